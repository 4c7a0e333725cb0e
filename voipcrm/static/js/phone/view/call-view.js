// The call in front.
import { swapIcon } from '../../icons.js';
import { timer } from '../words.js';
import { belowOf, face, nameOf, part, setText, show } from './parts.js';

const PHASES = { dialling: 'Calling', ringing: 'Ringing', active: 'On call', reconnecting: 'Reconnecting' };

export class CallView {
  #root;
  #parts = {};
  #buttons = {};
  #call = null;
  #about = null; // the call of which call-contact tells

  constructor(root) {
    this.#root = part(root, 'call');
    for (const element of this.#root.querySelectorAll('[data-part]')) this.#parts[element.dataset.part] = element;
    for (const element of this.#root.querySelectorAll('[data-do]')) this.#buttons[element.dataset.do] = element;
  }

  render({ call }) {
    const other = call?.key !== this.#call?.key;
    this.#call = call;
    show(this.#root, Boolean(call));
    if (other) this.tones(false);
    if (!call) return;
    if (other) this.#root.dataset.key = call.key;
    face(this.#parts['call-avatar'], call.name);
    this.#who(call);
    this.#state(call);
    this.#keys(call);
    this.tick();
  }

  /** Each second while a call lasts. */
  tick(now = Date.now()) {
    const answered = this.#call?.answeredAt;
    show(this.#parts['call-timer'], Boolean(answered));
    if (answered) setText(this.#parts['call-timer'], timer(now - answered));
  }

  /** Open or close the keypad of the call; without an argument the other way round. Returns whether it is open. */
  tones(open = this.#parts.tones.hidden) {
    show(this.#parts.tones, open);
    this.#buttons.tones.setAttribute('aria-expanded', String(open));
    return open;
  }

  #who(call) {
    const name = this.#parts['call-name'];
    setText(name, nameOf(call));
    if (call.url) name.href = call.url;
    else name.removeAttribute('href');
    setText(this.#parts['call-below'], belowOf(call, call.company) || call.line);
    if (call.id === this.#about) return;
    this.#about = call.id;
    import('./call-contact.js').then(({ ask }) => ask(this.#parts['call-contact'], call.id));
  }

  #state(call) {
    const word =
      call.phase === 'active' && call.held
        ? 'On hold'
        : call.phase === 'active' && call.muted
          ? 'Muted'
          : PHASES[call.phase];
    const badge = this.#parts['call-phase'];
    this.#root.dataset.phase = call.held && call.phase === 'active' ? 'held' : call.phase;
    setText(badge, word);
    show(badge, word !== PHASES.active || !call.recording);
    badge.className = `badge${call.phase === 'reconnecting' || call.held ? ' badge--warn' : ''}`;
    const recording = this.#parts['call-recording'];
    show(recording, Boolean(call.recording && call.answeredAt && (call.paused || !call.held)));
    recording.className = `badge badge--${call.paused ? 'warn' : 'bad'}`;
    setText(this.#parts['call-recording-word'], call.paused ? 'Recording paused' : 'Recording');
    show(this.#parts['call-quality'], Boolean(call.quality && call.phase === 'active'));
    this.#parts['call-quality'].dataset.bars = call.quality?.bars ?? '';
    setText(this.#parts['call-quality-word'], call.quality?.word ?? '');
    show(this.#parts['call-warning'], Boolean(call.warning || call.phase === 'reconnecting'));
    setText(
      this.#parts['call-warning'],
      call.phase === 'reconnecting' ? 'Connection lost. Getting the call back…' : (call.warning ?? ''),
    );
    setText(this.#parts['tones-sent'], call.digits);
  }

  #keys({ answeredAt, muted, held, holding, ending, id, recording, paused, pausing }) {
    const { mute, hold, tones, end, pause } = this.#buttons;
    mute.disabled = !answeredAt;
    mute.setAttribute('aria-pressed', String(muted));
    swapIcon(mute.querySelector('svg'), muted ? 'mic-off' : 'mic');
    hold.disabled = !answeredAt || !id;
    hold.setAttribute('aria-pressed', String(held));
    hold.setAttribute('aria-busy', String(holding));
    show(pause, Boolean(recording && answeredAt));
    pause.setAttribute('aria-pressed', String(paused));
    pause.setAttribute('aria-busy', String(pausing || holding));
    tones.disabled = !answeredAt;
    if (!answeredAt) this.tones(false);
    end.setAttribute('aria-busy', String(ending));
  }
}
