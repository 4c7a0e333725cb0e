// When the access token is to be renewed. No DOM, no timers: it only answers questions about moments (ms).

const AT_SHARE = 0.6;
const FLOOR_MS = 5000;

export class Renewal {
  #fetchedAt = 0;
  #ttlMs = 0;

  /** A fresh token that lives `ttlSeconds` from now. */
  renewed(ttlSeconds, now) {
    this.#fetchedAt = now;
    this.#ttlMs = ttlSeconds * 1000;
  }

  /** Milliseconds until the routine renewal at 60 % of the token's life, at least 5 s so that a bad ttl can't spin. */
  waitMs(now) {
    return Math.max(FLOOR_MS, this.#fetchedAt + this.#ttlMs * AT_SHARE - now);
  }

  /**
   * Renew now? `why` is 'expiring' (the SDK says so: always, unless the token is brand new, or a ttl below the SDK's
   * warning time would spin), or 'timer', 'awake', 'online'.
   * A renewal costs about a second of sound (Twilio), so during a call only a token in its last tenth is renewed.
   */
  isDue(why, now, { inCall = false } = {}) {
    if (why === 'expiring') return now - this.#fetchedAt >= FLOOR_MS;
    const share = this.#ttlMs ? (now - this.#fetchedAt) / this.#ttlMs : 1;
    return share >= (inCall ? 0.9 : AT_SHARE);
  }
}
