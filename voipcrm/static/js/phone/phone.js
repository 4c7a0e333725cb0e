// The line of this browser: Device, token, registration and audio devices. Calls are in calls.js. No DOM.
// Owned by the module, never by an element: what is on the page may come and go, a call may not.
import { problemOf } from './problems.js';
import { Renewal } from './renewal.js';

const READY_MS = 12_000;
const RETRY_MS = 30_000;
const OFFLINE = {
  code: 'offline',
  message: 'You are offline.',
  remedy: 'Check your internet connection. The phone comes back by itself.',
};
const OUR_OPTIONS = {
  allowIncomingWhileBusy: true, // there is a call-waiting card
  closeProtection: false, // guard.js asks, for ringing calls too
  codecPreferences: ['opus', 'pcmu'],
  enableImprovedSignalingErrorPrecision: true,
  maxCallSignalingTimeoutMs: 30_000,
  tokenRefreshMs: 60_000,
  logLevel: 'error',
  appName: 'voipcrm',
};

export class Phone {
  #state;
  #api;
  #sdk;
  #sounds;
  #microphone;
  #audio;
  #now;
  #device = null;
  #renewal = new Renewal();
  #timer = null;
  #lastForcedAt = -Infinity;
  #onIncoming = () => {};

  /**
   * @param sdk the Twilio namespace of the vendored script: {Device, Call}
   * @param sounds name → URL, all that the SDK would otherwise fetch from outside
   * @param audio {before(device), after(device), lost(device, lost)} the chosen microphone and speakers
   */
  constructor({ state, api, sdk, sounds, microphone, audio, now = Date.now }) {
    this.#state = state;
    this.#api = api;
    this.#sdk = sdk;
    this.#sounds = sounds;
    this.#microphone = microphone;
    this.#audio = audio;
    this.#now = now;
  }

  /** The Device, for the audio settings; null while the phone is off. */
  get device() {
    return this.#device;
  }

  onIncoming(listener) {
    this.#onIncoming = listener;
  }

  /** Fetch a token and register. Trouble ends up in the state, not in an exception. */
  async start() {
    if (this.#device) return;
    if (!this.#sdk?.Device) {
      this.#state.lineIs('error', {
        code: 'no-sdk',
        message: 'The phone could not be loaded.',
        remedy: 'Reload the page.',
      });
      return;
    }
    this.#state.lineIs('connecting');
    try {
      const granted = await this.#fetchToken();
      if (this.#device || this.#state.status === 'off') return; // switched off, or started twice, meanwhile
      this.#device = this.#newDevice(granted);
      await this.#device.register();
    } catch (error) {
      this.#trouble(error);
    }
  }

  /** Switch off: nobody rings here any more. */
  stop(status = 'off', problem = null) {
    clearTimeout(this.#timer);
    const device = this.#device;
    this.#device = null;
    device?.destroy();
    this.#state.lineIs(status, problem);
  }

  /** Begin again after trouble that a person has dealt with. */
  async restart() {
    this.stop('connecting');
    await this.start();
  }

  /** Without a session no route rings this person: the phone is not ready, and says so. A call goes on, and the phone
   * with it; each request until they sign in tells it again, so also after the call. */
  sessionLost() {
    if (this.#device && !this.#state.hasCalls) this.#serverTrouble({ status: 401, message: 'Your session ended.' });
  }

  /** Signed in again. The Device of a call that goes on lives, and only wants a token. */
  async sessionBack() {
    const { status, code } = this.#state.snapshot().line;
    if (status !== 'error') return;
    if (!this.#state.hasCalls) await this.restart();
    else if (code === 401) {
      this.#state.lineIs('ready');
      await this.renew('expiring');
    }
  }

  /** The registered Device, waiting for it a while. Throws an Error with a sentence for the person. */
  async ready() {
    if (this.#state.status !== 'ready') await this.#becomesReady();
    await this.prepareAudio();
    return this.#device;
  }

  prepareAudio() {
    return this.#audio.before(this.#device);
  }

  /** The browser says that there is no network. What the SDK thinks of it comes later, or never. */
  offline() {
    if (this.#device) this.#state.lineIs('offline', OFFLINE);
  }

  online() {
    if (this.#state.status === 'offline') {
      if (this.#device?.state === 'registered') this.#state.lineIs('ready');
      else this.#state.lineIs('reconnecting', problemOf(31005));
    }
    this.renew('online');
  }

  callOver() {
    if (this.#state.hasCalls) return;
    this.#audio.after(this.#device); // or the microphone's light stays on
    this.renew('timer');
  }

  microphoneFailed(problem) {
    this.stop('no-mic', problem);
  }

  /** Renew the token if `why` ('expiring', 'timer', 'awake', 'online') makes it due; also wakes a lost registration. */
  async renew(why) {
    const device = this.#device;
    if (!device) return;
    const inCall = this.#state.hasCalls;
    try {
      if (this.#renewal.isDue(why, this.#now(), { inCall })) {
        const { token } = await this.#fetchToken();
        if (device !== this.#device) return;
        device.updateToken(token);
      }
      if (device.state === 'unregistered' && why !== 'timer') await device.register();
    } catch (error) {
      if (why === 'expiring' || error.status === 401) this.#trouble(error);
      this.#schedule(RETRY_MS);
      return;
    }
    this.#schedule();
  }

  async #fetchToken() {
    const granted = await this.#api('POST', '/api/voip/token');
    this.#renewal.renewed(granted.ttl, this.#now());
    this.#schedule();
    return granted;
  }

  #schedule(atLeastMs = 0) {
    clearTimeout(this.#timer);
    const late = this.#state.hasCalls ? 60_000 : atLeastMs; // due, but put off by a call: look again each minute
    this.#timer = setTimeout(() => this.renew('timer'), Math.max(late, this.#renewal.waitMs(this.#now())));
  }

  #newDevice({ token, device: fromServer }) {
    const { Device, Call } = this.#sdk;
    const device = new Device(token, {
      ...OUR_OPTIONS,
      ...fromServer,
      sounds: this.#sounds,
      Call: withoutDroppingOthers(Call),
    });
    // A Device that was switched off may still speak for a moment.
    const on = (event, act) => device.on(event, (...said) => device === this.#device && act(...said));
    on('registered', () => this.#state.lineIs('ready'));
    on('unregistered', () => this.#lost());
    on('error', (error) => this.#trouble(error));
    on('tokenWillExpire', () => this.renew('expiring'));
    on('incoming', (call) => this.#onIncoming(call));
    device.audio?.on('deviceChange', (lost) => this.#audio.lost(device, lost));
    return device;
  }

  #lost() {
    if (['ready', 'connecting'].includes(this.#state.status)) this.#state.lineIs('reconnecting', problemOf(31005));
  }

  /** `error` of the SDK (numeric code) or of our API (status). */
  #trouble(error) {
    const problem = problemOf(error.code, this.#microphone.browser);
    if (error.status !== undefined) return this.#serverTrouble(error);
    if (problem.kind === 'token') return this.#tokenRefused(problem);
    if (problem.kind === 'network') return this.#lost();
    if (problem.kind === 'microphone') return this.#state.hasCalls ? undefined : this.microphoneFailed(problem);
    if (problem.kind === 'admin' || !this.#state.hasCalls) return this.#fault(problem);
    return undefined; // a call's own error is told at the call
  }

  #serverTrouble({ status, code, message }) {
    if (status === 0) {
      if (this.#device) this.#lost();
      else this.#state.lineIs('error', { code, message, remedy: 'Check your connection, then start the phone again.' });
      return;
    }
    const remedy =
      status === 401
        ? 'Sign in again; the phone then starts by itself.'
        : 'Start the phone again. If it keeps failing, tell an administrator.';
    this.#fault({ code: status === 401 ? 401 : code, message, remedy });
  }

  /** Twilio refused the token: get a new one once; a second refusal within a minute is for the person. */
  async #tokenRefused(problem) {
    const now = this.#now();
    if (now - this.#lastForcedAt < 60_000) return this.#fault(problem);
    this.#lastForcedAt = now;
    const device = this.#device;
    this.#state.lineIs('reconnecting', problem);
    try {
      const { token } = await this.#fetchToken();
      if (!device || device !== this.#device) return undefined;
      device.updateToken(token);
      if (device.state === 'unregistered') await device.register();
      return undefined;
    } catch (error) {
      return this.#trouble(error);
    }
  }

  /** Trouble that does not heal by itself. A live call keeps its Device: it may well go on. */
  #fault(problem) {
    if (this.#state.hasCalls) this.#state.lineIs('error', problem);
    else this.stop('error', problem);
  }

  #becomesReady() {
    return new Promise((resolve, reject) => {
      const settle = (settled, value) => {
        clearTimeout(timer);
        stopListening();
        settled(value);
      };
      const timer = setTimeout(
        () => settle(reject, new Error('The phone is not connected. Wait until it says Ready, then call again.')),
        READY_MS,
      );
      const stopListening = this.#state.subscribe(({ line }) => {
        if (line.status === 'ready') settle(resolve);
        if (['off', 'no-mic', 'error', 'other-tab'].includes(line.status)) {
          settle(reject, new Error(line.message ?? 'The phone is off. Select “Start taking calls” first.'));
        }
      });
    });
  }
}

/**
 * The SDK ends the call in front when another is accepted. Ours waits on hold at the server, so it must live on:
 * our Call is the SDK's with that one option (`beforeAccept`, device.ts) left out.
 */
function withoutDroppingOthers(Call) {
  return class extends Call {
    constructor(config, options) {
      super(config, { ...options, beforeAccept: undefined });
    }
  };
}
