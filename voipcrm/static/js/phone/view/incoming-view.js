// Cards of ringing calls and of calls that wait on hold. Made from templates, one each, kept while the call lasts,
// so that a change of one never takes the focus from another.
import { timer } from '../words.js';
import { belowOf, face, nameOf, part, setText, show } from './parts.js';

class Cards {
  #place;
  #template;
  #cards = new Map();

  constructor(root, place, template) {
    this.#place = part(root, place);
    this.#template = part(root, template).content.firstElementChild;
  }

  /** One card for each call; `fill(card, call)` brings it up to date. */
  render(calls, fill) {
    const keys = new Set(calls.map(({ key }) => key));
    for (const [key, card] of this.#cards) {
      if (keys.has(key)) continue;
      card.remove();
      this.#cards.delete(key);
    }
    for (const call of calls) {
      if (!this.#cards.has(call.key)) {
        const card = this.#template.cloneNode(true);
        card.dataset.key = call.key;
        this.#cards.set(call.key, card);
        this.#place.append(card);
      }
      fill(this.#cards.get(call.key), call);
    }
  }
}

export class IncomingView {
  #incoming;
  #parked;
  #waiting = [];

  constructor(root) {
    this.#incoming = new Cards(root, 'incoming', 'incoming-card');
    this.#parked = new Cards(root, 'parked', 'parked-card');
  }

  render({ incoming, parked, call: front }) {
    this.#waiting = parked;
    this.#incoming.render(incoming, (card, call) => fillIncoming(card, call, front));
    this.tick();
  }

  tick(now = Date.now()) {
    this.#parked.render(this.#waiting, (card, call) => {
      const name = nameOf(call);
      card.setAttribute('aria-label', `On hold: ${name}`);
      setText(part(card, 'name'), name);
      setText(part(card, 'timer'), timer(now - call.answeredAt));
      card.querySelector('[data-do="resume"]').setAttribute('aria-busy', String(call.holding));
      card.querySelector('[data-do="end"]').setAttribute('aria-label', `End call with ${name}`);
    });
  }
}

function fillIncoming(card, call, front) {
  const name = nameOf(call);
  card.setAttribute('aria-label', `Incoming call from ${name}`);
  setText(part(card, 'name'), name);
  setText(part(card, 'below'), belowOf(call, call.line));
  const more = [call.company, call.place, call.last].filter(Boolean).join(' · ');
  setText(part(card, 'more'), more);
  show(part(card, 'more'), Boolean(more));
  face(part(card, 'avatar'), call.name);
  setText(part(card, 'effect'), front ? effectOn(front) : 'Alt Shift A accepts, Alt Shift R rejects.');
  for (const button of card.querySelectorAll('button')) button.disabled = call.accepting;
  card.setAttribute('aria-busy', String(call.accepting));
}

function effectOn(front) {
  return front.answeredAt
    ? `Accepting puts ${nameOf(front)} on hold.`
    : `Accepting ends your call to ${nameOf(front)}.`;
}
