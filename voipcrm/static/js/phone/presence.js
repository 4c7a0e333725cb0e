// Tells the server whether this person can take a call: at each change, and as a heartbeat while the phone is on.

const HEARTBEAT_MS = 30_000;

/** What a snapshot means to colleagues and to routing. */
export function presenceOf({ line, call, incoming, parked }) {
  if (call || incoming.length || parked.length) return 'busy';
  if (line.status === 'ready') return 'available';
  return ['connecting', 'reconnecting', 'offline'].includes(line.status) ? 'away' : 'offline';
}

export class Presence {
  #send;
  #told = 'offline';
  #beat = null;
  #next = null;
  #sending = false;

  /** `send(state, {keepalive})` posts it; a rejection is ignored, since the next heartbeat says it again. */
  constructor(send) {
    this.#send = send;
  }

  show(snapshot) {
    const now = presenceOf(snapshot);
    if (now === this.#told) return;
    this.#told = now;
    clearInterval(this.#beat);
    this.#beat = now === 'offline' ? null : setInterval(() => this.#say(now), HEARTBEAT_MS);
    this.#say(now);
  }

  /** Say no more, and nothing about it: another tab has the phone now. */
  hush() {
    clearInterval(this.#beat);
    this.#next = null;
    this.#told = 'offline';
  }

  /** The page goes away. A call is not ended by us here: the phone network will see that the browser is gone. */
  leave() {
    if (this.#told === 'offline') return;
    this.hush();
    Promise.resolve(this.#send('offline', { keepalive: true })).catch(() => {});
  }

  /** One at a time, the newest last: two requests on their way could overtake each other and leave a ready phone
   * "away" until the next heartbeat. */
  async #say(state) {
    this.#next = state;
    if (this.#sending) return;
    this.#sending = true;
    while (this.#next) {
      const now = this.#next;
      this.#next = null;
      await Promise.resolve(this.#send(now)).catch(() => {});
    }
    this.#sending = false;
  }
}
