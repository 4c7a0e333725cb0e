/**
 * <confirm-dialog>: asks hx-confirm questions in a <dialog> instead of window.confirm, which stops every timer and
 * socket of the page while it waits. The asking element may name its deed: data-confirm="Delete recording".
 */
class ConfirmDialog extends HTMLElement {
  #asking = null;

  connectedCallback() {
    this.#dialog.addEventListener('close', this);
    document.addEventListener('htmx:confirm', this);
  }

  disconnectedCallback() {
    this.#dialog.removeEventListener('close', this);
    document.removeEventListener('htmx:confirm', this);
  }

  get #dialog() {
    return this.querySelector('dialog');
  }

  handleEvent(event) {
    if (event.type === 'close') this.#answer();
    else this.#ask(event);
  }

  #ask(event) {
    event.preventDefault();
    this.#asking?.dropRequest();
    this.#asking = event.detail;
    this.querySelector('h2').textContent = event.detail.ctx.confirm;
    this.querySelector('[data-go]').textContent = event.target.dataset.confirm ?? 'Go on';
    this.#dialog.returnValue = '';
    if (!this.#dialog.open) this.#dialog.showModal(); // the first button, "Keep", has the focus
  }

  #answer() {
    const asking = this.#asking;
    this.#asking = null;
    if (this.#dialog.returnValue === 'go') asking?.issueRequest();
    else asking?.dropRequest();
  }
}

customElements.define('confirm-dialog', ConfirmDialog);
