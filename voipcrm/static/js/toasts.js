// Short notes at the edge of the page. Good news leaves by itself, errors stay until they are closed.
import { icon } from './icons.js';

const SHOWN_MS = 6000;

/** `tone` is 'good', 'info' or 'bad'. The text is also spoken through the live regions of the shell. */
export function toast(text, { tone = 'info' } = {}) {
  const region = document.getElementById('toasts');
  if (!region || [...region.children].some((known) => known.dataset.text === text)) return;
  const note = document.createElement('div');
  note.className = `toast toast--${tone}`;
  note.dataset.text = text;
  const words = document.createElement('p');
  words.className = 'toast__text';
  words.textContent = text;
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'toast__close';
  close.setAttribute('aria-label', 'Close');
  close.append(icon('x'));
  close.addEventListener('click', () => remove(note));
  note.append(words, close);
  region.append(note);
  if (region.popover && !region.matches(':popover-open')) region.showPopover();
  say(text, tone === 'bad' ? 'shout' : 'say');
  if (tone !== 'bad') leaveLater(note);
}

function leaveLater(note) {
  let timer;
  const start = () => (timer = setTimeout(() => remove(note), SHOWN_MS));
  const pause = () => clearTimeout(timer);
  for (const event of ['pointerenter', 'focusin']) note.addEventListener(event, pause);
  for (const event of ['pointerleave', 'focusout']) note.addEventListener(event, start);
  start();
}

function remove(note) {
  const region = note.parentElement;
  note.remove();
  if (region?.popover && !region.childElementCount && region.matches(':popover-open')) region.hidePopover();
}

/** Put `text` into a live region (`say` is polite, `shout` interrupts). The same text twice is spoken twice. */
export function say(text, region = 'say') {
  const live = document.getElementById(region);
  if (!live) return;
  live.textContent = '';
  requestAnimationFrame(() => (live.textContent = text));
}
