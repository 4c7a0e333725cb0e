// Every number on every page can be dialled: tel: links, and buttons with data-call (a number) or data-user (a colleague).

/** `dial({to, userId, contactId, name})` for each. A click with a modifier key stays the browser's. */
export function listenForNumbers(dial) {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    const source = event.target.closest?.('a[href^="tel:" i], button[data-call], a[data-call], button[data-user]');
    if (!source) return;
    event.preventDefault();
    const { call, user, contact, name } = source.dataset;
    const to = call ?? (user ? null : decodeURIComponent(source.getAttribute('href').slice(4)));
    dial({ to, userId: user ? Number(user) : null, contactId: contact ? Number(contact) : null, name: name ?? '' });
  });
}
