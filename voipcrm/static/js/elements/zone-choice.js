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
    const { save } = await import('./zone-save.js'); // rarely needed, so fetched only then
    if (await save(this.getAttribute('action'), this.#here)) {
      this.querySelector('p').textContent = `Times are shown for ${readable(this.#here)}.`;
      this.#button.hidden = true;
    }
    this.#button.disabled = false;
  }
}

const readable = (zone) => zone.replaceAll('_', ' ');

customElements.define('zone-choice', ZoneChoice);
