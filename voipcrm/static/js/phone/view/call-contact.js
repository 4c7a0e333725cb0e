// Below the name in the card of the call: why it is this one, and who it could be instead. The server knows.

/** Fill the element for a call of this id; empty while the call has none. */
export function ask(element, id) {
  element.replaceChildren();
  if (id) globalThis.htmx.ajax('GET', `/calls/${encodeURIComponent(id)}/contact/card`, { target: element, swap: 'innerHTML' });
}
