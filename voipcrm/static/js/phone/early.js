// Runs before the page is first shown, long before the phone's other scripts are there. Puts the dock as this person left
// it, so that nothing jumps, and keeps what is pressed meanwhile until main.js has taken over. A classic script: a module
// would wait for the whole page. The dock's data-loading says "yes", "pressed" or "late" (components/phone-loading.css).
{
  const CALL = 'a[href^="tel:" i], button[data-call], button[data-user]';
  const KEPT_MS = 12_000; // later, a call would come as a surprise; the style sheet says "reload" after as long
  const pressed = new Map(); // one call, and buttons of the dock → the element
  const loaded = new AbortController();
  const listen = (event, act, target = globalThis) =>
    target.addEventListener(event, act, { capture: true, signal: loaded.signal });

  const dock = () => document.getElementById('phone');

  /** Show that part of the dock, and let it be read aloud. */
  const tell = (loading) => {
    if (!dock()) return;
    dock().dataset.loading = loading;
    document.getElementById('say').textContent = dock().querySelector(`[data-part="${loading}"] p`).textContent;
  };

  listen('click', (event) => {
    const source = event.target.closest?.(`${CALL}, #phone [data-do], #phone [role=tab]`);
    if (!source || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const late = dock()?.dataset.loading === 'late';
    if (late && source.matches('a')) return; // another program may know how to call
    event.preventDefault();
    event.stopPropagation();
    if (late) return dock().querySelector('[data-part="late"] a').focus();
    const kind = source.matches(CALL) ? 'call' : source;
    pressed.get(kind)?.removeAttribute('aria-busy');
    pressed.set(kind, source);
    source.setAttribute('aria-busy', 'true');
    tell('pressed');
  });

  const forget = () => {
    for (const source of pressed.values()) source.removeAttribute('aria-busy');
    pressed.clear();
  };
  const fail = () => {
    forget();
    tell('late');
  };
  listen('error', ({ target }) => (target === globalThis || target.matches?.('script')) && fail()); // did not come, or run
  const patience = setTimeout(fail, KEPT_MS);

  listen(
    'voipcrm:phone-loaded',
    () => {
      clearTimeout(patience);
      loaded.abort();
      const wanted = [...pressed.values()];
      forget();
      for (const source of wanted) source.click();
    },
    document,
  );

  new MutationObserver((_, watch) => {
    if (!dock()) return;
    watch.disconnect();
    const wide = !matchMedia('(max-width: 68rem)').matches;
    dock().dataset.open = String(wide && localStorage.getItem('voipcrm-phone-open') !== 'no'); // as view/dock-view.js
  }).observe(document, { childList: true, subtree: true });
}
