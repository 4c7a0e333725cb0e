// The calls of this browser: what the person does goes to the SDK and the server, what they say goes to the state.
// No DOM. A call has a key of its own from the first click; the SDK's and the server's ids come later.
import { problemOf, warningOf } from './problems.js';
import { outcomeOf } from './outcomes.js';
import { Quality } from './quality.js';
import { dialable, toneKeys } from './words.js';

const CALLS = '/api/voip/calls';
/** How long after the end to ask the server what became of it: callbacks of the phone network may be a little late. */
const ASK_AFTER_MS = [150, 500, 1200, 2500];
/** When to ask who calls: it may ring here before the server knows that it does, and then the call is not ours to see. */
const LEARN_AFTER_MS = [0, 700, 2000];

export class Calls {
  #state;
  #api;
  #line;
  #browser;
  #onOver;
  #now;
  #wait;
  #live = new Map(); // key → {sdk, mutedBefore, byMe, problem, quality, answeredAt}

  /**
   * @param line {ready(): Promise<Device>, prepareAudio(): Promise} the Phone
   * @param onOver called with the server's CallJson (or null) after a call has ended and its outcome is known
   */
  constructor({
    state,
    api,
    line,
    browser,
    onOver,
    now = Date.now,
    wait = (ms) => new Promise((r) => setTimeout(r, ms)),
  }) {
    this.#state = state;
    this.#api = api;
    this.#line = line;
    this.#browser = browser;
    this.#onOver = onOver;
    this.#now = now;
    this.#wait = wait;
  }

  /** What the person in front hears, as a MediaStream, or null. */
  remoteStream() {
    return this.#live.get(this.#state.front?.key)?.sdk?.getRemoteStream?.() ?? null;
  }

  /** Place a call: `to` a number, or `userId` a colleague. */
  async dial({ to = null, userId = null, contactId = null, lineId = null, name = '' }) {
    const number = to ? dialable(to) : null;
    if (!number && !userId) return;
    if (this.#state.snapshot().incoming.length) {
      this.#state.notify('Somebody is calling you. Accept or reject that call first.', 'warn');
      return;
    }
    if (this.#state.hasCalls) {
      this.#state.notify('You are on a call. End it before you place another.', 'warn');
      return;
    }
    const key = crypto.randomUUID();
    this.#live.set(key, { outgoing: true, quality: new Quality() });
    this.#state.dialled(key, {
      direction: userId ? 'internal' : 'outbound',
      name,
      number: number ?? '',
      to: number,
      userId,
      contactId,
    });
    try {
      const device = await this.#line.ready();
      const placed = await this.#api('POST', `${CALLS}/outbound`, {
        to: number,
        user_id: userId,
        contact_id: contactId,
        line_id: lineId,
      });
      this.#state.learn(key, placed.call);
      if (!this.#state.find(key)) {
        await this.#api('POST', `${CALLS}/${placed.call.id}/end`); // the person gave up while we asked
        return;
      }
      const sdk = await device.connect(placed.connect);
      this.#hook(key, sdk);
      if (!this.#state.find(key)) sdk.disconnect();
    } catch (error) {
      this.#finish(key, { problem: error.message });
    }
  }

  /** The SDK rings. */
  offered(sdk) {
    const given = sdk.customParameters;
    const key = crypto.randomUUID();
    this.#live.set(key, { outgoing: false, quality: new Quality() });
    this.#state.offered(key, {
      id: given.get('call') ?? null,
      name: given.get('name') ?? '',
      company: given.get('company') ?? '',
      number: given.get('number') || (sdk.parameters.From?.startsWith('+') ? sdk.parameters.From : ''),
      to: sdk.parameters.From?.startsWith('+') ? sdk.parameters.From : null,
      userId: /^client:u_(\d+)$/.exec(sdk.parameters.From ?? '')?.[1] ?? null,
      line: given.get('line') ?? '',
      last: given.get('last') ?? '',
      place: given.get('place') ?? '',
    });
    this.#hook(key, sdk);
    this.#learn(key); // the number as people write it, and who it is, if that was not known when it began to ring
  }

  /** Accept a call that rings; the call in front waits on hold, or ends if it was never answered. */
  async accept({ key = this.#state.snapshot().incoming[0]?.key } = {}) {
    const call = this.#state.find(key);
    if (call?.phase !== 'incoming' || call.accepting) return;
    this.#state.accepting(key);
    try {
      if (this.#state.front) await this.#makeRoom();
      await this.#line.prepareAudio();
      if (!this.#state.find(key)) return; // gone while the other call was put on hold
      this.#live.get(key).sdk.accept();
    } catch (error) {
      this.#state.acceptFailed(key);
      this.#state.notify(`The call still rings: the present call could not be put on hold. ${error.message}`, 'bad');
    }
  }

  reject({ key = this.#state.snapshot().incoming[0]?.key } = {}) {
    const live = this.#live.get(key);
    if (this.#state.find(key)?.phase !== 'incoming' || !live) return;
    live.byMe = true;
    live.sdk.reject();
  }

  end({ key = this.#state.front?.key } = {}) {
    const live = this.#live.get(key);
    if (!live || this.#state.find(key)?.phase === 'incoming') return;
    live.byMe = true;
    this.#state.ending(key);
    if (live.sdk) live.sdk.disconnect();
    else this.#finish(key, {}); // not placed yet
  }

  mute({ on = null } = {}) {
    const call = this.#state.front;
    if (call?.answeredAt) this.#live.get(call.key).sdk.mute(on ?? !call.muted);
  }

  /** Hold is the server's doing: it gives the far end music. */
  async hold({ key = this.#state.front?.key, on = null } = {}) {
    const call = this.#state.find(key);
    if (!call?.answeredAt || call.holding || !call.id) return;
    const wanted = on ?? !call.held;
    if (wanted === call.held) return;
    try {
      await this.#setHeld(call, wanted);
    } catch (error) {
      this.#state.notify(
        `${wanted ? 'Could not put the call on hold.' : 'Could not resume the call.'} ${error.message}`,
        'bad',
      );
    }
  }

  /** Keep card numbers out of the recording, or go on with it: the server's doing too. */
  async pause() {
    const { key, id, recording, paused, pausing } = this.#state.front ?? {};
    if (!recording || pausing) return;
    this.#state.pausing(key);
    try {
      const { call } = await this.#api(paused ? 'DELETE' : 'POST', `${CALLS}/${id}/recording-pause`);
      this.#state.pauseSettled(key, call.recording_paused);
    } catch (error) {
      this.#state.pauseSettled(key, null);
      this.#state.notify(error.message, 'bad');
    }
  }

  /** Bring a parked call to the front and talk again; the one in front takes its place. */
  async resume({ key }) {
    const call = this.#state.find(key);
    if (!call?.answeredAt || call.holding) return;
    try {
      if (this.#state.front && this.#state.front.key !== key) await this.#makeRoom();
      this.#comeForward(key);
      if (call.held) await this.#setHeld(call, false);
    } catch (error) {
      this.#state.notify(`Could not resume the call. ${error.message}`, 'bad');
    }
  }

  digits({ digits }) {
    const call = this.#state.front;
    const keys = toneKeys(digits);
    if (!call?.answeredAt || !keys) return;
    this.#live.get(call.key).sdk.sendDigits(keys);
    this.#state.pressed(call.key, keys);
  }

  #liveCalls() {
    const { call, parked } = this.#state.snapshot();
    return call ? [call, ...parked] : parked;
  }

  /** The call in front goes behind: on hold if it talks, ended if it never did. */
  async #makeRoom() {
    const call = this.#state.front;
    const live = this.#live.get(call.key);
    if (!call.answeredAt) {
      this.end({ key: call.key });
      return;
    }
    if (!call.held) await this.#setHeld(call, true);
    if (!this.#state.find(call.key)) return;
    live.mutedBefore = call.muted;
    live.sdk.mute(true); // this microphone now belongs to the other call
    this.#state.park(call.key);
  }

  #comeForward(key) {
    const live = this.#live.get(key);
    this.#state.bringForward(key);
    if (live?.mutedBefore === undefined) return;
    live.sdk.mute(live.mutedBefore);
    live.mutedBefore = undefined;
  }

  async #setHeld({ key, id }, wanted) {
    this.#state.holding(key);
    try {
      const { call } = await this.#api(wanted ? 'POST' : 'DELETE', `${CALLS}/${id}/hold`);
      this.#state.holdSettled(key, call.held);
      this.#state.learn(key, call);
      if (call.held !== wanted) throw new Error('The phone network did not do it.');
    } catch (error) {
      this.#state.holdSettled(key, null);
      throw error;
    }
  }

  #hook(key, sdk) {
    const state = this.#state;
    const live = this.#live.get(key);
    if (!live) return;
    live.sdk = sdk;
    sdk.on('ringing', () => state.ringing(key));
    sdk.on('accept', () => this.#answered(key));
    sdk.on('mute', (muted) => state.muted(key, muted));
    sdk.on('sample', ({ mos }) => state.graded(key, live.quality.sample(mos)));
    sdk.on('warning', (name) => warningOf(name) && state.warned(key, warningOf(name)));
    sdk.on('warning-cleared', (name) => state.find(key)?.warning === warningOf(name) && state.warned(key, null));
    sdk.on('reconnecting', () => state.connectionLost(key));
    sdk.on('reconnected', () => state.connectionBack(key));
    for (const end of ['disconnect', 'cancel', 'reject']) sdk.on(end, () => this.#finish(key, {}));
    sdk.on('error', (error) => this.#failed(key, error));
    sdk.on('transportClose', () => sdk.status() === 'pending' && this.#finish(key, {}));
  }

  #answered(key) {
    const live = this.#live.get(key);
    if (!live) return;
    live.answeredAt = this.#now();
    this.#state.answered(key, live.answeredAt);
    this.#learn(key);
  }

  /** An error is the end of a call only if the SDK has closed it; network trouble in a call heals by itself. */
  #failed(key, error) {
    const live = this.#live.get(key);
    if (!live) return;
    const problem = problemOf(error.code, this.#browser);
    if (live.sdk.status() !== 'closed') {
      if (problem.kind !== 'network') this.#state.warned(key, problem.message);
      return;
    }
    if (problem.kind === 'microphone') this.#line.microphoneFailed(problem);
    this.#finish(key, { problem: [problem.message, problem.remedy].filter(Boolean).join(' ') });
  }

  /** Whom the call in front is with may be known better now. */
  learnFront() {
    this.#learn(this.#state.front?.key);
  }

  async #learn(key) {
    for (const ms of LEARN_AFTER_MS) {
      await this.#wait(ms);
      const id = this.#state.find(key)?.id;
      if (!id) return;
      const answer = await this.#api('GET', `${CALLS}/${id}`).catch(() => null);
      this.#state.learn(key, answer?.call);
      if (answer) return;
    }
  }

  #finish(key, { problem = null }) {
    const live = this.#live.get(key);
    if (!live) return;
    this.#live.delete(key);
    const call = this.#state.find(key);
    const here = { ...live, problem, endedAt: this.#now(), direction: call.direction };
    const other = this.#state.front && this.#state.front.key !== key && !live.answeredAt;
    this.#state.over(key, other ? null : { ...outcomeOf(null, here), at: here.endedAt });
    if (other && !live.byMe) this.#state.notify(`${call.name || call.number || 'The other caller'} stopped calling.`);
    const front = this.#state.front;
    if (front) this.#comeForward(front.key);
    this.#line.callOver();
    this.#askOutcome(key, call.id, here);
  }

  /** Ask until the server says that the call has ended; then the words and the lists are right. */
  async #askOutcome(key, id, here) {
    let call = null;
    for (const ms of id ? ASK_AFTER_MS : []) {
      await this.#wait(ms);
      const answer = await this.#api('GET', `${CALLS}/${id}`).catch((error) => error);
      if (answer.status >= 400 && answer.status < 500) break;
      call = answer.call ?? call;
      if (isSettled(call, here)) break;
    }
    if (isSettled(call, here)) this.#state.outcomeIs(key, outcomeOf(call, here));
    this.#onOver?.(call);
  }
}

/** Over, or somebody else has it: there is nothing more to learn. */
const isSettled = (call, here) => call?.state === 'ended' || Boolean(!here.answeredAt && call?.answered_by);
