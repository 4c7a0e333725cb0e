// Small steps that all views of the phone take.
import { icon } from '../../icons.js';
import { initials } from '../words.js';

/** The element that the template calls `name`, within `root`. */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** Text only where it changed: an untouched node keeps a person's selection and a screen reader's place. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/** The letters of a name, or a figure while nobody is known: the server may tell the name, or take it back, at any time. */
export function face(avatar, name) {
  const letters = initials(name);
  if (!avatar.hasChildNodes() || avatar.textContent !== letters) avatar.replaceChildren(letters || icon('user'));
}

/** First of name, number and a word for nobody. */
export const nameOf = (call) => call.name || call.number || 'Unknown caller';

/** The line under the name, the number first since it must stay visible; without what the name already says. */
export const belowOf = (call, ...more) =>
  [call.name && call.number !== call.name && call.number, ...more].filter(Boolean).join(', ');
