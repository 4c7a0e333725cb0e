// One phone per person across tabs. Web Locks choose the owner of the Device; the other tabs are remote controls
// over a BroadcastChannel. Names carry the user's id, so two people in one browser don't share a phone. No DOM.
//
// Roles: idle (the phone is off), follower (waits in the queue for the lock), owner.

const ANSWER_MS = 1000; // a frozen owner does not answer; then its lock is stolen

export class Tabs {
  role = 'idle';
  #name;
  #locks;
  #channel;
  #on;
  #me = crypto.randomUUID();
  #letGo = null; // ends our ownership
  #waiting = null; // AbortController of our place in the queue
  #answers = new Map(); // question id → resolve

  /**
   * @param userId whose phone this is
   * @param on {role(role), snapshot(snapshot), command(command), mayYield(): boolean, current(): snapshot}
   * @param locks navigator.locks, @param channel a BroadcastChannel; both replaceable in tests
   */
  constructor(userId, on, { locks = navigator.locks, channel = null } = {}) {
    this.#name = `voipcrm-phone-${userId}`;
    this.#on = on;
    this.#locks = locks;
    this.#channel = channel ?? new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
  }

  /** Ask an owner, if there is one, to show itself. */
  greet() {
    this.#post({ type: 'hello' });
  }

  /** Stand in the queue for the phone. Free: we own it at once. */
  claim() {
    if (this.role === 'owner' || this.#waiting) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#request({ signal: waiting.signal });
  }

  /** Take the phone from the tab that has it. 'ok', or 'refused' while that tab has a call. */
  async takeOver() {
    if (this.role === 'owner') return 'ok';
    const id = crypto.randomUUID();
    const answer = await new Promise((resolve) => {
      this.#answers.set(id, resolve);
      setTimeout(resolve, ANSWER_MS, 'silence');
      this.#post({ type: 'yield?', id });
    });
    this.#answers.delete(id);
    if (answer === 'refused') return 'refused';
    this.#leaveQueue();
    this.#request({ steal: true });
    return 'ok';
  }

  /** Give the phone up in every tab: whoever owns it switches it off. */
  release() {
    this.#leaveQueue();
    if (this.role === 'owner') this.#post({ type: 'off' }); // before the lock is free for those who wait
    this.#become('idle');
    this.#letGo?.();
    this.#letGo = null;
  }

  publish(snapshot) {
    if (this.role === 'owner') this.#post({ type: 'snapshot', snapshot });
  }

  /** Run a command where the phone is. */
  send(command) {
    if (this.role === 'follower') this.#post({ type: 'command', command });
    else this.#on.command(command);
  }

  #request(options) {
    let owned = false;
    this.#locks
      .request(this.#name, options, () => {
        if (this.#waiting?.signal !== options.signal) this.#leaveQueue(); // stolen while a place in the queue was kept
        this.#waiting = null;
        owned = true;
        return new Promise((resolve) => {
          this.#letGo = resolve;
          this.#become('owner');
        });
      })
      .catch((error) => {
        if (error?.name !== 'AbortError') throw error;
        if (!owned) return; // we left the queue ourselves
        this.#letGo = null;
        this.#become('follower'); // somebody took the phone
        this.claim();
        this.greet(); // its first words were spoken while we still held the phone
      });
  }

  #leaveQueue() {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  #become(role) {
    if (role === this.role) return;
    this.role = role;
    this.#on.role(role);
  }

  #heard({ type, from, id, answer, snapshot, command }) {
    if (from === this.#me) return;
    if (type === 'snapshot' && this.role !== 'owner') this.#follow(snapshot);
    if (type === 'off' && this.role === 'follower') this.release();
    if (type === 'answer') this.#answers.get(id)?.(answer);
    if (this.role !== 'owner') return;
    if (type === 'hello') this.publish(this.#on.current());
    if (type === 'command') this.#on.command(command);
    if (type === 'yield?') this.#post({ type: 'answer', id, answer: this.#on.mayYield() ? 'ok' : 'refused' });
  }

  #follow(snapshot) {
    if (this.role === 'idle' && snapshot.line.status === 'off') return; // an owner that is about to let go
    this.#become('follower');
    this.claim();
    this.#on.snapshot(snapshot);
  }

  #post(message) {
    this.#channel.postMessage({ ...message, from: this.#me });
  }
}
