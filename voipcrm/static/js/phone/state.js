// The one state of the phone. No DOM, no SDK: events go in, snapshots come out, and everything that people see
// (dock, title, notification, live region, other tabs) is a projection of the snapshot.
//
// The line, whether calls are possible, is one of
//   off → connecting → ready ⇄ reconnecting | offline, and no-mic, error{code, message, remedy}, other-tab.
// Beside it stand the calls: `incoming` ones ring, one is in front, `parked` ones wait on hold behind it.
// A call in front is dialling → ringing → active ⇄ reconnecting; the last one that ended is kept until dismissed.

const NEW_CALL = {
  id: null,
  direction: 'outbound',
  name: '',
  company: '',
  number: '', // as shown
  to: null, // as dialled, E.164
  place: '',
  last: '',
  line: '',
  url: null,
  contactId: null,
  userId: null,
  phase: 'dialling',
  answeredAt: null, // ms since 1970, by this browser's clock
  muted: false,
  held: false,
  holding: false, // asked the server, no answer yet
  accepting: false,
  ending: false,
  recording: false,
  paused: false, // the recording, by this person
  pausing: false, // asked the server, no answer yet
  quality: null, // {bars: 1..4, word}
  warning: null,
  digits: '',
};

export class PhoneState {
  #line = { status: 'off' };
  #calls = new Map(); // key → call, oldest first
  #front = null; // key
  #ended = null;
  #notice = null; // {text, tone}
  #listeners = new Set();

  /** `listener(snapshot)` after each change. Returns how to stop. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Plain data, safe to post to another tab: {state, line, call, incoming, parked, ended, notice}. */
  snapshot() {
    const all = [...this.#calls.values()].map((call) => ({ ...call }));
    const call = all.find(({ key }) => key === this.#front) ?? null;
    const incoming = all.filter(({ phase }) => phase === 'incoming');
    const parked = all.filter(({ key, phase }) => key !== this.#front && phase !== 'incoming');
    return {
      state: stateOf(this.#line, call, incoming, this.#ended),
      line: { ...this.#line },
      call,
      incoming,
      parked,
      ended: this.#ended && { ...this.#ended },
      notice: this.#notice && { ...this.#notice },
    };
  }

  get status() {
    return this.#line.status;
  }

  get hasCalls() {
    return this.#calls.size > 0;
  }

  /** The call in front, or null. Read only. */
  get front() {
    return this.#calls.get(this.#front) ?? null;
  }

  find(key) {
    return this.#calls.get(key) ?? null;
  }

  // The line

  /** Only what is not a call: `status` with, for trouble, a problem {kind, code, message, remedy}. */
  lineIs(status, problem = null) {
    if (status === this.#line.status && problem?.code === this.#line.code && problem?.message === this.#line.message)
      return;
    this.#line = { status, ...problem };
    this.#changed();
  }

  notify(text, tone = 'info') {
    this.#notice = text ? { text, tone } : null;
    this.#changed();
  }

  // Calls

  /** A call that this person places. It comes to the front. */
  dialled(key, details) {
    if (this.#front && this.#calls.has(this.#front)) throw new Error('There is a call in front already.');
    this.#ended = null;
    this.#notice = null;
    this.#calls.set(key, { ...NEW_CALL, ...details, key, phase: 'dialling' });
    this.#front = key;
    this.#changed();
  }

  offered(key, details) {
    if (this.#calls.has(key)) return;
    this.#calls.set(key, { ...NEW_CALL, ...details, key, direction: 'inbound', phase: 'incoming' });
    this.#changed();
  }

  accepting(key) {
    this.#set(key, { accepting: true });
  }

  acceptFailed(key) {
    this.#set(key, { accepting: false });
  }

  /** The far end rings. Late word of it does not take an answer back. */
  ringing(key) {
    if (this.find(key)?.phase === 'dialling') this.#set(key, { phase: 'ringing' });
  }

  answered(key, at) {
    const call = this.find(key);
    if (!call || call.answeredAt) return;
    this.#ended = null;
    this.#front = key;
    this.#set(key, { phase: 'active', answeredAt: at, accepting: false });
  }

  /** Put a live call behind, to make room in front. */
  park(key) {
    if (this.#front !== key) return;
    this.#front = null;
    this.#changed();
  }

  bringForward(key) {
    const call = this.find(key);
    if (!call || call.phase === 'incoming') return;
    this.#front = key;
    this.#changed();
  }

  /**
   * What the server knows of the call (CallJson). Null or missing stays as it was, but an empty name, and no contact, are
   * knowledge: the link to a contact was undone. Not whether it is held: an answer that was under way while the person
   * pressed Hold would take that back (holdSettled).
   */
  learn(key, json) {
    const call = this.find(key);
    if (!call || !json) return;
    const { peer, line } = json;
    this.#set(key, {
      id: json.id ?? call.id,
      direction: json.direction ?? call.direction,
      name: peer?.name ?? call.name,
      company: peer?.company ?? call.company,
      number: peer?.display || call.number,
      to: peer?.number || call.to,
      url: peer?.url === undefined ? call.url : peer.url,
      contactId: peer?.contact_id === undefined ? call.contactId : peer.contact_id,
      line: line?.label || call.line,
      recording: json.recording ?? call.recording,
    });
  }

  muted(key, muted) {
    this.#set(key, { muted });
  }

  holding(key) {
    this.#set(key, { holding: true });
  }

  /** The server's answer to hold or resume; `held` null if it could not be done. */
  holdSettled(key, held) {
    const call = this.find(key);
    if (call) this.#set(key, { holding: false, held: held ?? call.held });
  }

  pausing(key) {
    this.#set(key, { pausing: true });
  }

  /** The server's answer; `paused` null if it could not be done. */
  pauseSettled(key, paused) {
    const call = this.find(key);
    if (call) this.#set(key, { pausing: false, paused: paused ?? call.paused });
  }

  ending(key) {
    this.#set(key, { ending: true });
  }

  graded(key, quality) {
    const now = this.find(key)?.quality;
    if (quality && (now?.bars !== quality.bars || now.word !== quality.word)) this.#set(key, { quality });
  }

  warned(key, warning) {
    this.#set(key, { warning });
  }

  pressed(key, digits) {
    const call = this.find(key);
    if (call) this.#set(key, { digits: (call.digits + digits).slice(-24) });
  }

  connectionLost(key) {
    if (this.find(key)?.phase === 'active') this.#set(key, { phase: 'reconnecting' });
  }

  connectionBack(key) {
    if (this.find(key)?.phase === 'reconnecting') this.#set(key, { phase: 'active' });
  }

  /**
   * The call is over. `outcome` is {text, tone, again, at: ms}; null leaves no card (another call is in front and it never
   * was ours). If a parked call waits, it comes to the front, still on hold.
   */
  over(key, outcome) {
    const call = this.find(key);
    if (!call) return;
    this.#calls.delete(key);
    if (this.#front === key) {
      const waiting = [...this.#calls.values()].filter(({ phase }) => phase !== 'incoming');
      this.#front = waiting.at(-1)?.key ?? null;
    }
    if (outcome) {
      const { id, name, company, number, to, contactId, userId, direction } = call;
      this.#ended = { key, id, name, company, number, to, contactId, userId, direction, ...outcome };
    }
    this.#changed();
  }

  /** A better word for the call that ended last. */
  outcomeIs(key, outcome) {
    if (this.#ended?.key !== key) return;
    this.#ended = { ...this.#ended, ...outcome };
    this.#changed();
  }

  dismiss() {
    if (!this.#ended && !this.#notice) return;
    this.#ended = null;
    this.#notice = null;
    this.#changed();
  }

  #set(key, change) {
    const call = this.#calls.get(key);
    if (!call) return; // a late word about a call that is over
    this.#calls.set(key, { ...call, ...change });
    this.#changed();
  }

  #changed() {
    const snapshot = this.snapshot();
    for (const listener of this.#listeners) listener(snapshot);
  }
}

function stateOf(line, call, incoming, ended) {
  if (line.status === 'other-tab') return 'other-tab';
  if (call) return call.phase;
  if (incoming.length) return 'incoming';
  return ended && line.status === 'ready' ? 'ended' : line.status;
}
