// The Keypad tab: type, paste or press a number, hold 0 for +, Enter calls.
import { dialable, hasLetters } from '../words.js';

const LONG_PRESS_MS = 500;

export class KeypadView {
  #field;

  /** `call(number)` dials; `tone(key)` plays the sound of a key. */
  constructor(form, { call, tone }) {
    this.#field = form.elements.to;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const number = dialable(this.#field.value);
      if (number && !hasLetters(this.#field.value)) call(number);
      else this.#explain();
      this.#field.select(); // the next number takes the place of this one, yet a wrong one can be mended
    });
    this.#field.addEventListener('input', () => this.#field.setCustomValidity(''));
    form.addEventListener('click', (event) => {
      if (event.target.closest('[data-do="erase"]')) this.#erase();
    });
    form.addEventListener('keydown', (event) => this.#typed(event));
    this.#field.addEventListener('paste', (event) => {
      event.preventDefault();
      this.#insert(dialable(event.clipboardData.getData('text')));
    });
    pressable(form, (key) => {
      tone(key);
      this.#insert(key);
    });
  }

  focus() {
    this.#field.focus();
  }

  /** Digits typed while a key button has the focus belong into the number as well. */
  #typed(event) {
    if (event.target === this.#field || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^[\d*#+]$/.test(event.key)) this.#insert(event.key);
    else if (event.key === 'Backspace') this.#erase();
    else return;
    event.preventDefault();
  }

  /** What is no number is not guessed at: 1-800-FLOWERS without its letters is another one. */
  #explain() {
    this.#field.setCustomValidity('Type a number, such as +1 415 555 0142.');
    this.#field.reportValidity();
  }

  #insert(text) {
    const { selectionStart, selectionEnd, value } = this.#field;
    this.#replace(selectionStart ?? value.length, selectionEnd ?? value.length, text);
  }

  #erase() {
    const { selectionStart: from, selectionEnd: to } = this.#field;
    this.#replace(from === to ? Math.max(0, from - 1) : from, to, '');
  }

  /** As typing does it, but for the event that typing brings. */
  #replace(from, to, text) {
    this.#field.setCustomValidity('');
    this.#field.setRangeText(text, from, to, 'end');
  }
}

/** `press(key)` for each key button within `root`; 0 held for half a second is '+'. */
export function pressable(root, press, { plus = true } = {}) {
  let timer = null;
  let held = false;
  root.addEventListener('pointerdown', (event) => {
    held = false;
    clearTimeout(timer);
    if (!plus || event.target.closest('[data-key]')?.dataset.key !== '0') return;
    timer = setTimeout(() => {
      held = true;
      press('+');
    }, LONG_PRESS_MS);
  });
  for (const end of ['pointerup', 'pointerleave', 'pointercancel'])
    root.addEventListener(end, () => clearTimeout(timer));
  root.addEventListener('contextmenu', (event) => held && event.preventDefault()); // a long touch
  root.addEventListener('click', (event) => {
    const key = event.target.closest('[data-key]')?.dataset.key;
    if (key && !held) press(key);
    held = false;
  });
}
