// The microphone before there is a call: ask, look, watch. The SDK opens its own stream for each call.
import { browserOf, microphoneProblem } from './problems.js';

export class Microphone {
  #devices;
  #permissions;
  #browser;

  constructor({ mediaDevices, permissions, userAgent } = navigator) {
    this.#devices = mediaDevices;
    this.#permissions = permissions;
    this.#browser = browserOf(userAgent ?? '');
  }

  get browser() {
    return this.#browser;
  }

  /** Open it for a moment, which makes the browser ask. Resolves to null, or to the problem. */
  async ask() {
    if (!this.#devices?.getUserMedia) return microphoneProblem('InsecureContext', this.#browser);
    try {
      const stream = await this.#devices.getUserMedia({ audio: true });
      for (const track of stream.getTracks()) track.stop();
      return null;
    } catch (error) {
      return microphoneProblem(error.name, this.#browser);
    }
  }

  /** 'granted', 'denied' or 'prompt'; 'prompt' where the browser does not tell. */
  async permission() {
    return (await this.#status())?.state ?? 'prompt';
  }

  /** Call `changed(state)` when the person changes the permission in the browser. */
  async watch(changed) {
    const status = await this.#status();
    status?.addEventListener('change', () => changed(status.state));
  }

  denied() {
    return microphoneProblem('NotAllowedError', this.#browser);
  }

  async #status() {
    try {
      return await this.#permissions?.query({ name: 'microphone' });
    } catch {
      return null; // this browser knows no such permission name
    }
  }
}
