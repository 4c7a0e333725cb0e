const YEAR_SECONDS = 365 * 86_400;

/**
 * <theme-choice>: a form with radios named "theme" (system, light, dark). Changes the look at once and keeps the choice
 * in the cookie that the server reads, so that no page starts in the wrong colours; no load, so a call goes on.
 */
class ThemeChoice extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', this);
  }

  disconnectedCallback() {
    this.removeEventListener('change', this);
  }

  handleEvent({ target }) {
    if (target.name !== 'theme') return;
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `theme=${target.value}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
    document.documentElement.dataset.theme = target.value;
    const scheme = target.value === 'system' ? 'light dark' : target.value;
    document.querySelector('meta[name="color-scheme"]')?.setAttribute('content', scheme);
  }
}

customElements.define('theme-choice', ThemeChoice);
