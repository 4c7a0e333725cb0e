// What keeps the shell whole while htmx swaps #main inside it. The phone lives outside #main, so a page
// that cannot be shown must never cost more than itself: not the screen, not the address, not the call.
import { csrfToken } from './api.js';
import { toast } from './toasts.js';

const statusOf = (ctx) => ctx?.response?.raw?.status ?? ctx?.response?.status ?? 0;
/** Boosted links and history select #main out of a whole page; a partial selects nothing. */
const isPage = (ctx) => Boolean(ctx?.select);

document.addEventListener('htmx:config:request', (event) => {
  const { request } = event.detail.ctx;
  const url = new URL(request.action, document.baseURI);
  if (!/^(GET|HEAD)$/i.test(request.method) && url.origin === location.origin) {
    request.headers['X-CSRFToken'] = csrfToken();
  }
});

// Runs before htmx pushes the address, so that cancelling keeps both the page and its address. (`noSwap` would not.)
document.addEventListener('htmx:before:swap', (event) => {
  const { ctx, tasks } = event.detail;
  const status = statusOf(ctx);
  if (!isPage(ctx)) {
    if (status >= 400 && status !== 422) event.preventDefault(); // a traceback is no table row; a 422 is the form again
    return;
  }
  const main = tasks?.find((task) => task.type === 'main');
  if (main && !main.fragment.childElementCount) {
    event.preventDefault(); // a proxy's error page, a captive portal, an empty 401: no #main in it
    const told = status === 401 || status === 429 || status >= 500; // by response:error below
    if (!told) toast('That page could not be shown. You are still where you were.', { tone: 'bad' });
  }
});

document.addEventListener('htmx:response:error', (event) => {
  const status = statusOf(event.detail.ctx);
  if (status === 401) document.dispatchEvent(new CustomEvent('voipcrm:signed-out'));
  else if (status === 403 && !isPage(event.detail.ctx)) toast('You are not allowed to do that.', { tone: 'bad' });
  else if (status === 429) toast('That was too often. Wait a moment and try again.', { tone: 'bad' });
  else if (status >= 500) toast(`The server could not do that (${status}). Try again.`, { tone: 'bad' });
});

document.addEventListener('htmx:error', (event) => {
  const { ctx, error } = event.detail;
  if (error?.name === 'AbortError' && ctx?.request?.signal?.reason !== 'timeout') return;
  toast('The server did not answer. Check your connection and try again.', { tone: 'bad' });
});

// Rarely needed, so fetched only then; no session is needed for a static file.
document.addEventListener('voipcrm:signed-out', async () => (await import('./sign-in-dialog.js')).askToSignIn());

// The navigation is outside #main, so its current entry and the focus are ours to move; not after a filter.
document.addEventListener('htmx:after:swap', (event) => {
  const { ctx } = event.detail;
  if (!isPage(ctx)) return;
  wear(ctx.text);
  markCurrent();
  const wrong = document.querySelector('#main [aria-invalid="true"]'); // a form that came back: its first bad field
  if (wrong) return wrong.focus();
  const moved = arrowOf(ctx.sourceEvent?.target);
  if (moved) return moved.focus();
  const heading = document.querySelector('#main h1');
  (heading ?? document.getElementById('main'))?.focus({ preventScroll: true });
});

/** Of a row that was moved by this form: the arrow that was pressed, the other where this one came to an end. */
function arrowOf(form) {
  if (!form?.matches?.('form[data-moves]')) return null;
  const { value } = form.elements.to;
  const forms = [...document.querySelectorAll('#main form[data-moves]')].filter(({ action }) => action === form.action);
  return (forms.find(({ elements }) => elements.to.value === value) ?? forms[0])?.elements.to;
}

// A new role, name or colour of the company, ours or an admin's doing: what stands around #main follows.
const mark = () => document.getElementById('main')?.dataset.shell;
let worn = mark();
async function wear(text) {
  const now = mark();
  if (!now || now === worn) return;
  const { follow } = await import('./shell-change.js');
  if (!follow(text)) return;
  worn = now;
  markCurrent();
}

function markCurrent() {
  const here = location.pathname;
  let best = null;
  const links = [...document.querySelectorAll('#nav a[href]')].filter((link) => link.origin === location.origin);
  for (const link of links) {
    link.removeAttribute('aria-current');
    const under = link.pathname === '/' ? here === '/' : here === link.pathname || here.startsWith(`${link.pathname}/`);
    if (under && (!best || link.pathname.length > best.pathname.length)) best = link;
  }
  best?.setAttribute('aria-current', 'page');
}
// htmx swaps before the address of a history walk is final in some browsers.
document.addEventListener('htmx:after:history:update', markCurrent);

// Back while a page is still loading: drop the pending page, or it would land on top of the restored one.
let pending = null;
document.addEventListener('htmx:before:request', (event) => {
  if (isPage(event.detail.ctx)) pending = event.detail.ctx;
});
document.addEventListener('htmx:before:history:restore', () => {
  pending?.request?.abort?.();
  pending = null;
});
