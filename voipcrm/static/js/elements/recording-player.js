import { icon } from '../icons.js';
import { toast } from '../toasts.js';
import { clock, nextSpeed, SPEEDS } from './playback.js';

const SPEED_KEY = 'voipcrm-playback-speed';
const STEP_SECONDS = 5;
let sounding = null; // the one player that is heard

/**
 * <recording-player src seconds label toggle="id of the play button">: plays a recording in the row below its button.
 * It starts as soon as it is there, since pressing play brought it. One sounds at a time, and none while the phone does.
 */
class RecordingPlayer extends HTMLElement {
  #audio = null;
  #toggle = null;
  #seek = null;
  #speed = null;
  #dragging = false;
  #brokeAt = null;
  #listening = null;

  connectedCallback() {
    this.#listening = new AbortController();
    this.#toggle = document.getElementById(this.getAttribute('toggle'));
    this.#seek = this.querySelector('.player__seek');
    this.#speed = this.querySelector('.player__speed');
    this.#audio = new Audio();
    this.#audio.preload = 'none';
    this.#audio.src = this.getAttribute('src');
    this.#listen();
    this.#setSpeed(Number(localStorage.getItem(SPEED_KEY)) || 1);
    this.#show();
    this.#play();
  }

  disconnectedCallback() {
    this.#listening.abort();
    this.#audio.pause();
    this.#audio.removeAttribute('src'); // lets go of the connection: a paused download holds a thread of the server
    this.#audio.load();
    if (sounding === this) sounding = null;
  }

  pause() {
    this.#audio.pause();
  }

  get #length() {
    const known = this.#audio.duration;
    return Number.isFinite(known) ? known : Number(this.getAttribute('seconds'));
  }

  #listen() {
    const on = (target, names, act) => {
      for (const name of names) target?.addEventListener(name, act, { signal: this.#listening.signal });
    };
    on(this.#toggle, ['click'], () => (this.#audio.paused ? this.#play() : this.pause()));
    on(this.#speed, ['click'], () => this.#setSpeed(nextSpeed(this.#audio.playbackRate)));
    on(this.#seek, ['input'], () => this.#dragged());
    on(this.#seek, ['change'], () => this.#dropped());
    on(this.#seek, ['keydown'], (event) => this.#key(event));
    on(this.#audio, ['play', 'pause', 'ended', 'timeupdate', 'durationchange', 'seeked'], () => this.#show());
    on(this.#audio, ['error'], () => this.#failed());
    on(document, ['voipcrm:ringing', 'voipcrm:call-started'], () => this.pause());
  }

  async #play() {
    if (sounding !== this) sounding?.pause();
    sounding = this;
    if (this.#audio.error) this.#audio.load();
    try {
      await this.#audio.play();
    } catch {
      this.#show(); // the browser wants a click first, or the audio failed, which tells of itself
    }
  }

  #dragged() {
    this.#dragging = true;
    this.#show(Number(this.#seek.value));
  }

  #dropped() {
    this.#dragging = false;
    this.#audio.currentTime = Number(this.#seek.value);
    this.#show();
  }

  #key(event) {
    const steps = { ArrowRight: STEP_SECONDS, ArrowUp: STEP_SECONDS, ArrowLeft: -STEP_SECONDS, ArrowDown: -STEP_SECONDS };
    const step = steps[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || (!step && event.key !== ' ')) return;
    event.preventDefault();
    if (step) this.#audio.currentTime = Math.min(Math.max(this.#audio.currentTime + step, 0), this.#length);
    else if (this.#audio.paused) this.#play();
    else this.pause();
    this.#show();
  }

  #setSpeed(speed) {
    const chosen = SPEEDS.includes(speed) ? speed : 1;
    this.#audio.defaultPlaybackRate = chosen; // loading anew sets the rate back to this
    this.#audio.playbackRate = chosen;
    localStorage.setItem(SPEED_KEY, chosen);
    this.#speed.textContent = `${chosen}×`;
    this.#speed.setAttribute('aria-label', `Playback speed, ${chosen} times`);
  }

  #show(at = this.#audio.currentTime) {
    const length = this.#length;
    if (this.#dragging) at = Number(this.#seek.value);
    else this.#seek.value = at;
    this.#seek.max = length;
    this.#seek.setAttribute('aria-valuetext', `${clock(at)} of ${clock(length)}`);
    this.style.setProperty('--played', `${length ? Math.min((at / length) * 100, 100) : 0}%`);
    this.querySelector('.player__time').textContent = `${clock(at)} / ${clock(length)}`;
    this.#showToggle(this.#audio.paused ? 'Play' : 'Pause');
  }

  #showToggle(verb) {
    const words = `${verb} ${this.getAttribute('label')}`;
    if (!this.#toggle || this.#toggle.getAttribute('aria-label') === words) return;
    this.#toggle.setAttribute('aria-label', words);
    this.#toggle.title = words;
    this.#toggle.replaceChildren(icon(verb.toLowerCase()));
  }

  #failed() {
    const { currentTime: at, paused } = this.#audio;
    if (at > 0 && at !== this.#brokeAt) {
      // Where it is fetched from may be good for some minutes only: ask for it again, once for each place.
      this.#brokeAt = at;
      this.#audio.load();
      this.#audio.currentTime = at;
      if (!paused) this.#play();
      return;
    }
    toast('This recording could not be loaded. Try again in a moment.', { tone: 'bad' });
    this.#show();
  }
}

customElements.define('recording-player', RecordingPlayer);
