// Puts the phone together and shows it. Loaded once for each document; htmx swaps #main, never this.
import { api } from '../api.js';
import { toast } from '../toasts.js';
import { AudioChoice } from './audio.js';
import { Calls } from './calls.js';
import { Microphone } from './microphone.js';
import { Phone } from './phone.js';
import { Presence } from './presence.js';
import { play, playKey, SDK_SOUNDS } from './sounds.js';
import { PhoneState } from './state.js';
import { Tabs } from './tabs.js';
import { Announcer, Notifications, Title } from './view/attention.js';
import { CallView } from './view/call-view.js';
import { DockView } from './view/dock-view.js';
import { guardAgainstLeaving } from './view/guard.js';
import { IncomingView } from './view/incoming-view.js';
import { KeypadView, pressable } from './view/keypad-view.js';
import { listenForNumbers } from './view/links.js';
import { part } from './view/parts.js';
import { listenForShortcuts } from './view/shortcuts.js';
import { Tablist } from './view/tablist.js';

const OUTCOME_SHOWN_MS = 60_000;
const THIS_DOCUMENT = crypto.randomUUID();

/** Everything of one person's phone in this document. */
class App {
  #root;
  #wantedKey;
  #state = new PhoneState();
  #microphone = new Microphone(navigator);
  #audio = new AudioChoice({ storage: localStorage, state: this.#state });
  #presence = new Presence((state, options) =>
    api('POST', '/api/voip/presence', { state, phone: THIS_DOCUMENT }, options),
  );
  #phone;
  #calls;
  #tabs;
  #views;
  #mirror = null; // the owner's snapshot, in a tab that follows
  #lastOver = null;
  #wantsQuiet = new Set();

  constructor(root) {
    this.#root = root;
    this.#wantedKey = `voipcrm-phone-wanted-${root.dataset.owner}`;
    const [state, audio, microphone] = [this.#state, this.#audio, this.#microphone];
    this.#phone = new Phone({ state, api, audio, microphone, sdk: globalThis.Twilio, sounds: SDK_SOUNDS });
    this.#calls = new Calls({
      state,
      api,
      line: this.#phone,
      browser: microphone.browser,
      onOver: () => this.#callsChanged(),
    });
    this.#phone.onIncoming((sdk) => {
      if (state.front) play('waiting'); // the SDK rings only while no call is in front
      this.#calls.offered(sdk);
    });
    this.#tabs = new Tabs(root.dataset.owner, {
      role: (role) => this.#roleIs(role),
      snapshot: (snapshot) => this.#follow(snapshot),
      command: (command) => this.#run(command),
      mayYield: () => !state.hasCalls,
      current: () => state.snapshot(),
    });
    this.#views = this.#makeViews();
    state.subscribe((snapshot) => this.#changed(snapshot));
    this.#listen();
    this.#show();
  }

  /** What people see: of this tab's phone, or of the tab that has it. */
  get snapshot() {
    return this.#mirror ?? this.#state.snapshot();
  }

  get tab() {
    return this.#tabs.role;
  }

  remoteStream() {
    return this.#calls.remoteStream();
  }

  /** On page load: go on if the person had the phone on and the browser needs no question. */
  async begin() {
    this.#tabs.greet();
    if (!globalThis.Twilio?.Device) return this.#phone.start(); // says so
    if (!this.#wanted || (await this.#microphone.permission()) !== 'granted') return;
    this.#tabs.claim();
    if (!navigator.userActivation?.hasBeenActive) this.#hintUntilTouched();
  }

  get #wanted() {
    return localStorage.getItem(this.#wantedKey) === 'yes';
  }

  set #wanted(on) {
    localStorage.setItem(this.#wantedKey, on ? 'yes' : 'no');
  }

  /** "Start taking calls": microphone, then notifications, then a short sound, which also lets the phone ring later. */
  async #start() {
    if (this.#state.status === 'connecting' || this.#tabs.role !== 'idle') return;
    play('ready');
    this.#state.lineIs('connecting');
    const problem = await this.#microphone.ask();
    if (problem) {
      this.#state.lineIs('no-mic', problem);
      return;
    }
    Notifications.ask();
    this.#wanted = true;
    this.#tabs.claim();
  }

  #stop() {
    if (this.#state.hasCalls) return;
    this.#wanted = false;
    this.#phone.stop();
    this.#tabs.release();
  }

  async #retry() {
    if (!globalThis.Twilio?.Device) return location.reload();
    if (this.#tabs.role !== 'owner') {
      this.#state.lineIs('off');
      await this.#start();
      return;
    }
    const problem = await this.#microphone.ask();
    if (problem) this.#state.lineIs('no-mic', problem);
    else await this.#phone.restart();
  }

  async #useHere() {
    const answer = await this.#tabs.takeOver();
    if (answer === 'refused') toast('There is a call in the other tab. Use the phone here once it has ended.');
  }

  #roleIs(role) {
    if (role === 'owner') this.#own();
    if (role === 'follower') {
      this.#presence.hush(); // the tab that has the phone speaks for the person
      this.#state.dismiss();
      this.#phone.stop('other-tab');
    }
    if (role === 'idle') {
      this.#mirror = null;
      this.#phone.stop();
    }
    this.#show();
  }

  async #own() {
    this.#mirror = null;
    if (!this.#wanted || (await this.#microphone.permission()) === 'denied') {
      this.#tabs.release();
      return;
    }
    this.#phone.start();
  }

  #follow(snapshot) {
    if (this.#tabs.role !== 'follower') return;
    this.#mirror = snapshot;
    this.#show();
  }

  #changed(snapshot) {
    this.#tabs.publish(snapshot);
    if (this.#tabs.role !== 'follower') this.#presence.show(snapshot);
    this.#show();
  }

  #show() {
    const { snapshot } = this;
    this.#wantQuiet('voipcrm:ringing', snapshot.incoming.length > 0);
    this.#wantQuiet('voipcrm:call-started', Boolean(snapshot.call));
    const elsewhere = this.#tabs.role === 'follower';
    const { dock, call, incoming, title, notifications, announcer } = this.#views;
    dock.render(snapshot, { elsewhere });
    call.render(snapshot);
    incoming.render(snapshot);
    title.render(snapshot);
    notifications.render(snapshot, !elsewhere);
    announcer.render(snapshot);
    if (elsewhere && snapshot.ended && snapshot.ended.key !== this.#lastOver) {
      this.#lastOver = snapshot.ended.key;
      setTimeout(() => this.#callsChanged(), 1500); // the owner asks the server; here a guess is enough
    }
  }

  /** Whatever else sounds in the page, a recording say, stops when the phone begins to. */
  #wantQuiet(event, wanted) {
    if (wanted && !this.#wantsQuiet.has(event)) document.dispatchEvent(new CustomEvent(event));
    this.#wantsQuiet[wanted ? 'add' : 'delete'](event);
  }

  #callsChanged() {
    document.body.dispatchEvent(new CustomEvent('voipcrm:call-ended'));
  }

  /** Commands of this tab and of those that follow it. */
  #run({ do: name, ...details }) {
    if (name === 'dismiss') this.#state.dismiss();
    else if (name === 'stop') this.#stop();
    else if (['dial', 'accept', 'reject', 'end', 'mute', 'hold', 'resume', 'digits', 'pause'].includes(name))
      this.#calls[name](details);
  }

  #send(name, details = {}) {
    this.#tabs.send({ do: name, ...details });
  }

  async #dial(details) {
    if (this.#tabs.role === 'idle') await this.#start();
    this.#views.dock.reveal();
    if (['off', 'no-mic', 'error'].includes(this.snapshot.line.status)) return;
    this.#send('dial', details);
  }

  #again() {
    const { to, userId, contactId, name } = this.snapshot.ended ?? {};
    if (to || userId) this.#dial({ to: userId ? null : to, userId: userId ? Number(userId) : null, contactId, name });
  }

  #makeViews() {
    const root = this.#root;
    const views = {
      dock: new DockView(root, localStorage),
      call: new CallView(root),
      incoming: new IncomingView(root),
      title: new Title(),
      notifications: new Notifications(),
      announcer: new Announcer(),
      tablist: new Tablist(root.querySelector('[role=tablist]')),
      keypad: new KeypadView(part(root, 'keypad'), { call: (to) => this.#dial({ to }), tone: playKey }),
    };
    pressable(part(root, 'tones'), (key) => this.#send('digits', { digits: key }), { plus: false });
    part(root, 'tones').addEventListener('keydown', ({ key, ctrlKey, altKey, metaKey }) => {
      if (/^[\d*#]$/.test(key) && !ctrlKey && !altKey && !metaKey) this.#send('digits', { digits: key });
    });
    return views;
  }

  #listen() {
    this.#root.addEventListener('click', (event) => this.#pressed(event));
    listenForShortcuts((name) => this.#shortcut(name));
    listenForNumbers((details) => this.#dial(details));
    guardAgainstLeaving(() => this.#tabs.role !== 'follower' && this.#state.hasCalls);
    setInterval(() => this.#tick(), 1000);
    document.addEventListener('visibilitychange', () => !document.hidden && this.#phone.renew('awake'));
    document.addEventListener('voipcrm:signed-out', () => this.#phone.sessionLost());
    document.addEventListener('voipcrm:signed-in', () => this.#tabs.role === 'owner' && this.#phone.sessionBack());
    document.addEventListener('voipcrm:call-linked', () => this.#calls.learnFront());
    addEventListener('online', () => this.#phone.online());
    addEventListener('offline', () => this.#phone.offline());
    addEventListener('pagehide', () => this.#state.hasCalls || this.#presence.leave());
    addEventListener(
      'pageshow',
      ({ persisted }) => persisted && this.#tabs.role !== 'follower' && this.#presence.show(this.#state.snapshot()),
    );
    this.#microphone.watch((permission) => {
      if (permission === 'denied' && this.#phone.device && !this.#state.hasCalls)
        this.#phone.microphoneFailed(this.#microphone.denied());
    });
  }

  #tick() {
    const { call, parked, ended } = this.snapshot;
    const card = part(this.#root, 'ended');
    if (ended && Date.now() - ended.at > OUTCOME_SHOWN_MS && !card.matches(':hover, :focus-within'))
      this.#state.dismiss();
    if (!call && !parked.length) return;
    this.#views.call.tick();
    this.#views.incoming.tick();
    this.#views.dock.tick();
  }

  #pressed(event) {
    const button = event.target.closest('[data-do]');
    if (!button || button.getAttribute('aria-busy') === 'true') return;
    const name = button.dataset.do;
    const key = button.closest('[data-key]')?.dataset.key ?? (name === 'end' ? this.snapshot.call?.key : undefined);
    const here = {
      start: () => this.#start(),
      retry: () => this.#retry(),
      'use-here': () => this.#useHere(),
      again: () => this.#again(),
      open: () => this.#openDock(),
      close: () => this.#closeDock(),
      tones: () => this.#views.call.tones(),
      audio: () => this.#audioSettings(),
      erase: () => {},
    };
    if (here[name]) here[name]();
    else this.#send(name, key ? { key } : {});
  }

  /** Rarely opened, so fetched only then. */
  async #audioSettings() {
    const { AudioDialog } = await import('./view/audio-dialog.js');
    this.#views.audio ??= new AudioDialog(part(this.#root, 'audio'), this.#audio);
    await this.#views.audio.open(this.#phone.device);
  }

  #openDock() {
    this.#views.dock.open(true);
    this.#root.focus();
  }

  #closeDock() {
    this.#views.dock.open(false);
    this.#root.querySelector('[data-do="open"]').focus();
  }

  #shortcut(name) {
    if (name === 'focus') {
      this.#views.dock.open(true, { remember: false });
      this.#root.focus();
    } else if (name === 'keypad') this.#keypad();
    else if (name === 'save') part(this.#root, 'wrap-up-save')?.click();
    else this.#send(name);
  }

  #keypad() {
    this.#views.dock.open(true, { remember: false });
    if (this.snapshot.call?.answeredAt) {
      if (this.#views.call.tones()) part(this.#root, 'tones').querySelector('[data-key]').focus();
      return;
    }
    this.#views.tablist.select(document.getElementById('phone-tab-keypad'));
    this.#views.keypad.focus();
  }

  #hintUntilTouched() {
    this.#views.dock.hint(true);
    const touched = () => {
      this.#views.dock.hint(false);
      globalThis.Twilio?.Device?.audioContext?.resume?.();
      for (const event of ['pointerdown', 'keydown']) removeEventListener(event, touched, true);
    };
    for (const event of ['pointerdown', 'keydown']) addEventListener(event, touched, true);
  }
}

const root = document.getElementById('phone');
if (root && !globalThis.voipcrmPhone) {
  const app = new App(root);
  // For tests and the curious: to look at, not to steer by.
  const view = {
    get state() {
      return app.tab === 'follower' ? 'other-tab' : app.snapshot.state;
    },
    get call() {
      return app.snapshot.call;
    },
    get incoming() {
      return app.snapshot.incoming;
    },
    get parked() {
      return app.snapshot.parked;
    },
    get ended() {
      return app.snapshot.ended;
    },
    get tab() {
      return app.tab;
    },
    remoteStream: () => app.remoteStream(),
  };
  Object.defineProperty(globalThis, 'voipcrmPhone', { value: Object.freeze(view) });
  app.begin();
  delete root.dataset.loading;
  document.dispatchEvent(new CustomEvent('voipcrm:phone-loaded')); // early.js does what was pressed meanwhile
}
