// The session ended while somebody worked, perhaps in a call: sign in again over the page instead of leaving it.
import { toast } from './toasts.js';

const SIGN_IN = '/sign-in';
let dialog = null;
let asking = false;

/** Open the dialog (once). Fires `voipcrm:signed-in` on document when the session is back. */
export async function askToSignIn() {
  if (dialog?.open || asking) return; // several requests find out at the same moment
  asking = true;
  const form = await fetchForm();
  asking = false;
  if (!form) {
    toast('Your session ended. Sign in again in a new tab; this page and your call stay.', { tone: 'bad' });
    return;
  }
  dialog ??= document.body.appendChild(newDialog());
  show(form);
  if (!dialog.open) dialog.showModal();
  focusFirst();
}

function newDialog() {
  const made = document.createElement('dialog');
  made.className = 'dialog';
  made.id = 'sign-in-dialog';
  made.setAttribute('aria-labelledby', 'sign-in-again');
  const head = document.createElement('div');
  head.className = 'dialog__head';
  const heading = document.createElement('h2');
  heading.id = 'sign-in-again';
  heading.textContent = 'Sign in again';
  head.append(heading);
  const body = document.createElement('div');
  body.className = 'dialog__body';
  made.append(head, body);
  made.addEventListener('submit', submit);
  return made;
}

function show(form) {
  const note = document.createElement('p');
  note.className = 'sub';
  note.textContent = 'Your session ended. Sign in to continue; nothing on this page is lost and a call goes on.';
  form.querySelector('h1')?.remove(); // the page below has its own
  dialog.lastElementChild.replaceChildren(note, form);
}

function focusFirst() {
  const bad = dialog.querySelector('[aria-invalid="true"]');
  (bad ?? dialog.querySelector('input:not([type=hidden])'))?.focus();
}

async function fetchForm() {
  try {
    return formIn(await (await fetch(SIGN_IN, { headers: { Accept: 'text/html' } })).text());
  } catch {
    return null;
  }
}

/** The sign-in form inside a page of ours; DOMParser runs no script. */
function formIn(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const form = page.querySelector('main form[method="post" i]') ?? page.querySelector('form[method="post" i]');
  return form ? document.adoptNode(form) : null;
}

async function submit(event) {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  const button = form.querySelector('[type=submit]');
  form.setAttribute('aria-busy', 'true');
  if (button) button.disabled = true;
  try {
    const response = await fetch(form.getAttribute('action') || SIGN_IN, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: 'text/html' },
    });
    const html = await response.text();
    if (response.ok && !new URL(response.url).pathname.startsWith(SIGN_IN)) {
      signedIn(html);
      return;
    }
    const again = formIn(html); // with what is wrong, or for the code of two-step sign-in
    if (again) show(again);
    focusFirst();
  } catch {
    toast('No connection to the server. Try again.', { tone: 'bad' });
  } finally {
    form.removeAttribute('aria-busy');
    if (button) button.disabled = false;
  }
}

/** The new session has a new CSRF token: every place that holds the old one gets it. */
function signedIn(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const before = document.getElementById('phone')?.dataset.owner;
  const after = page.getElementById('phone')?.dataset.owner;
  if (before && after && before !== after) {
    location.assign('/'); // somebody else signed in: nothing on this page is theirs
    return;
  }
  const token = page.querySelector('meta[name="csrf-token"]')?.content;
  if (token) {
    document.querySelector('meta[name="csrf-token"]')?.setAttribute('content', token);
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
  }
  dialog.close();
  dialog.lastElementChild.replaceChildren();
  toast('You are signed in again.', { tone: 'good' });
  document.dispatchEvent(new CustomEvent('voipcrm:signed-in'));
}
