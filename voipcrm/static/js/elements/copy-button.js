import { toast } from '../toasts.js';

/** <copy-button text="+1 415 555 0142"><button hidden>…</button></copy-button>: copies `text` and says so. */
class CopyButton extends HTMLElement {
  #button = null;

  connectedCallback() {
    this.#button = this.querySelector('button');
    if (!this.#button || !navigator.clipboard) return; // no clipboard outside https and localhost: the button stays hidden
    this.#button.hidden = false;
    this.#button.addEventListener('click', this);
  }

  disconnectedCallback() {
    this.#button?.removeEventListener('click', this);
  }

  async handleEvent() {
    try {
      await navigator.clipboard.writeText(this.getAttribute('text'));
      toast('Copied.', { tone: 'good' });
    } catch {
      toast('Your browser did not allow copying. Select the text and copy it yourself.', { tone: 'bad' });
    }
  }
}

customElements.define('copy-button', CopyButton);
