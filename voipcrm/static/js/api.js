// Our own JSON endpoints from the browser: one place for CSRF, errors and the lost session.

/** An answer that was not 2xx, or no answer at all (`status` 0). `message` can be shown to a person as it is. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

/**
 * Call one of our endpoints. Resolves to the decoded JSON, or null for an empty answer.
 * Throws ApiError. A 401 also tells the shell, which opens the sign-in dialog over the page.
 * `keepalive` lets the request outlive the page (at most 64 kB).
 */
export async function api(method, path, body, { keepalive = false, timeoutMs = 15000 } = {}) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRFToken'] = csrfToken();
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      keepalive,
      credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch {
    throw new ApiError(0, 'unreachable', 'The server did not answer. Check your connection and try again.');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (response.status === 401) document.dispatchEvent(new CustomEvent('voipcrm:signed-out'));
  const { code, message } = answer?.error ?? {};
  throw new ApiError(response.status, code ?? `http-${response.status}`, message ?? sentenceFor(response.status));
}

function sentenceFor(status) {
  if (status === 401) return 'Your session ended. Sign in again to continue.';
  if (status === 403) return 'You are not allowed to do that. Ask an administrator if you need it.';
  if (status === 404) return 'That is no longer there.';
  if (status === 429) return 'That was too often. Wait a moment and try again.';
  return `The server could not do that (${status}). Try again.`;
}
