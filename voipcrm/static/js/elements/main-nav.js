/** <main-nav>: in the narrow layout the menu is a popover; it closes once a place has been chosen. */
class MainNav extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', this);
  }

  disconnectedCallback() {
    this.removeEventListener('click', this);
  }

  handleEvent(event) {
    const menu = this.querySelector('[popover]');
    if (event.target.closest('a') && menu?.matches(':popover-open')) menu.hidePopover();
  }
}

customElements.define('main-nav', MainNav);
