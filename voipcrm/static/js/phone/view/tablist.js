// Tabs by the ARIA pattern: one stop for Tab, arrows move and select, Home and End jump.

export class Tablist {
  #tabs;

  /** `root` has role=tablist; each tab names its panel by aria-controls. A panel that opens hears `phone:shown`. */
  constructor(root) {
    this.#tabs = [...root.querySelectorAll('[role=tab]')];
    root.addEventListener('click', (event) => this.select(event.target.closest('[role=tab]')));
    root.addEventListener('keydown', (event) => this.#move(event));
  }

  select(tab) {
    if (!tab || tab.getAttribute('aria-selected') === 'true') return;
    for (const each of this.#tabs) {
      const chosen = each === tab;
      const panel = document.getElementById(each.getAttribute('aria-controls'));
      each.setAttribute('aria-selected', String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      panel.hidden = !chosen;
      if (chosen) panel.dispatchEvent(new CustomEvent('phone:shown'));
    }
  }

  #move(event) {
    const at = this.#tabs.indexOf(event.target.closest('[role=tab]'));
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = this.#tabs[(to + this.#tabs.length) % this.#tabs.length];
    this.select(next);
    next.focus();
  }
}
