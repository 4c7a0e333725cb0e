// What calls for a person who looks elsewhere: the tab's title, a notification of the system, the live regions.
import { say } from '../../toasts.js';
import { length } from '../words.js';
import { nameOf } from './parts.js';

/** Name in the title while it rings. The page under it changes its own title at each navigation, so watch for that. */
export class Title {
  #page = document.title;
  #ours = null;

  constructor() {
    new MutationObserver(() => this.#changed()).observe(document.head, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  }

  render({ incoming }) {
    this.#ours = incoming.length ? `${nameOf(incoming[0])} calling` : null;
    this.#write();
  }

  #changed() {
    if (document.title !== this.#ours) this.#page = document.title;
    this.#write();
  }

  #write() {
    const wanted = this.#ours ?? this.#page;
    if (document.title !== wanted) document.title = wanted;
  }
}

/** One system notification for each ringing call, gone as soon as it stops ringing for whatever reason. */
export class Notifications {
  #shown = new Map(); // key → Notification

  static ask() {
    if (globalThis.Notification?.permission === 'default') Notification.requestPermission().catch(() => {});
  }

  /** `here`: this tab has the phone. The others stay quiet, or each would show one. */
  render({ incoming }, here) {
    const ringing = new Set(here ? incoming.map(({ key }) => key) : []);
    for (const [key, shown] of this.#shown) {
      if (ringing.has(key)) continue;
      shown.close();
      this.#shown.delete(key);
    }
    if (globalThis.Notification?.permission !== 'granted') return;
    for (const call of incoming) if (ringing.has(call.key) && !this.#shown.has(call.key)) this.#show(call);
  }

  #show(call) {
    try {
      const shown = new Notification(`${nameOf(call)} is calling`, {
        body: [call.company, call.name && call.number, call.line].filter(Boolean).join(', '),
        tag: call.id ?? call.key,
        requireInteraction: true,
        silent: true, // the phone rings by itself
      });
      shown.onclick = () => {
        window.focus();
        document.getElementById('phone')?.focus();
      };
      this.#shown.set(call.key, shown);
    } catch {
      this.#shown.clear(); // some mobile browsers have the name but only let workers use it
    }
  }
}

/** Says changes of state, never the timer. */
export class Announcer {
  #before = null;

  render(now) {
    const before = this.#before;
    this.#before = now;
    if (!before) return;
    for (const call of now.incoming) {
      if (before.incoming.some(({ key }) => key === call.key)) continue;
      const line = call.line ? `, ${call.line}` : '';
      say(`Incoming call from ${nameOf(call)}${line}. Press Alt Shift A to accept.`, 'shout');
    }
    const words = changeIn(before, now);
    if (words) say(words);
  }
}

/** The sentence for the step from one snapshot to the next, or null. */
function changeIn(before, now) {
  const [was, is] = [before.call, now.call];
  if (is && was?.key === is.key) return changeOfCall(was, is);
  if (is) return is.answeredAt ? `Connected to ${nameOf(is)}.${is.held ? ' On hold.' : ''}` : `Calling ${nameOf(is)}.`;
  if (now.ended && (before.ended?.key !== now.ended.key || before.ended.text !== now.ended.text))
    return spoken(now.ended.text);
  if (before.line.status === now.line.status) return null;
  if (now.line.status === 'ready') return 'Phone ready.';
  return now.line.message ?? (now.line.status === 'off' ? 'Phone off.' : null);
}

function changeOfCall(was, is) {
  if (!was.answeredAt && is.answeredAt) return `Connected to ${nameOf(is)}.`;
  if (was.phase !== is.phase) {
    return (
      { ringing: 'Ringing.', reconnecting: 'Connection lost. Reconnecting.', active: 'Connected again.' }[is.phase] ??
      null
    );
  }
  if (was.muted !== is.muted) return is.muted ? 'Muted.' : 'Not muted.';
  if (was.held !== is.held) return is.held ? 'On hold.' : 'Call resumed.';
  if (was.quality?.word !== is.quality?.word && is.quality?.word === 'Poor') return 'Poor connection.';
  return was.warning !== is.warning ? is.warning : null;
}

/** "Call ended 4:05" is read as a time of day; say minutes and seconds. */
function spoken(text) {
  return text.replace(/(\d+):(\d\d)$/, (whole, minutes, seconds) =>
    whole === length(0) ? 'at once' : `after ${+minutes} min ${+seconds} s`,
  );
}
