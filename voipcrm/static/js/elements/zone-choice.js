import { csrfToken } from '../api.js';
import { toast } from '../toasts.js';

/**
 * <zone-choice zone="UTC" action="/me/time-zone"><p>…</p><button hidden></button></zone-choice>: offers the zone of this
 * computer where it is another than the account's. Zones are IANA names.
 */
class ZoneChoice extends HTMLElement {
  #button = null;
  #here = '';

  connectedCallback() {
    this.#here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#button = this.querySelector('button');
    if (!this.#button || !this.#here || this.#here === this.getAttribute('zone')) return;
    this.#button.textContent = `Use ${readable(this.#here)}`;
    this.#button.hidden = false;
    this.#button.addEventListener('click', this);
  }

  disconnectedCallback() {
    this.#button?.removeEventListener('click', this);
  }

  async handleEvent() {
    this.#button.disabled = true;
    try {
      const body = new URLSearchParams({ time_zone: this.#here });
      const answer = await fetch(this.getAttribute('action'), {
        method: 'POST',
        body,
        headers: { 'X-CSRFToken': csrfToken() },
      });
      if (!answer.ok) throw new Error(`time zone refused: ${answer.status}`);
      this.querySelector('p').textContent = `Times are shown for ${readable(this.#here)}.`;
      this.#button.hidden = true;
      // The moments on the page were written by the server for the old zone: fetch the page again, not the document.
      globalThis.htmx?.ajax('GET', location.href, { target: '#main', select: '#main', swap: 'outerHTML' });
    } catch {
      toast('The time zone could not be saved. Try again.', { tone: 'bad' });
    } finally {
      this.#button.disabled = false;
    }
  }
}

const readable = (zone) => zone.replaceAll('_', ' ');

customElements.define('zone-choice', ZoneChoice);
