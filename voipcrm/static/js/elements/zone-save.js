// What <zone-choice> does when its button is pressed.
import { csrfToken } from '../api.js';
import { toast } from '../toasts.js';

/** Keep the zone (an IANA name) at the account and show the page in it. False, and told, when it could not be saved. */
export async function save(address, zone) {
  const body = new URLSearchParams({ time_zone: zone });
  const sent = { method: 'POST', body, headers: { 'X-CSRFToken': csrfToken() } };
  const answer = await fetch(address, sent).catch(() => null);
  if (!answer?.ok) {
    toast('The time zone could not be saved. Try again.', { tone: 'bad' });
    return false;
  }
  // The moments on the page were written by the server for the old zone: fetch the page again, not the document.
  globalThis.htmx?.ajax('GET', location.href, { target: '#main', select: '#main', swap: 'outerHTML' });
  return true;
}
