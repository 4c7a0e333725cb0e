// What can go wrong with the phone, in words for the person at it: what happened, and what to do. No DOM.
// Codes: Voice SDK 2.18.5 (errors/generated), and those of 1.x that Twilio's gateway still sends.

const problem = (kind, message, remedy) => ({ kind, message, remedy });
const TELL_ADMIN = 'Tell an administrator this code; they find the cause under Settings.';
const signIn = problem('token', 'Your phone was signed out.', 'Sign in again, then start the phone.');
const badKey = problem('admin', 'The phone network refused this phone’s key.', TELL_ADMIN);
const badClock = problem('admin', 'The phone network refused the times in this phone’s key.', TELL_ADMIN);
const misfit = problem('admin', 'The phone network did not understand the phone.', TELL_ADMIN);
const network = problem(
  'network',
  'The connection to the phone network was lost.',
  'It reconnects by itself. If it takes long, check your internet connection or VPN.',
);
const media = problem(
  'call',
  'Sound could not get through.',
  'A firewall or VPN may block calls. Try another network, or ask your network administrator to allow WebRTC.',
);
const notMade = problem('call', 'The call could not be made.', 'Try again in a moment.');

/** kind: token (renew it), network (wait), microphone, admin (nobody here can fix it), call (only this call failed). */
const PROBLEMS = new Map([
  [20101, signIn],
  [20104, signIn],
  [20151, badKey],
  [31000, network],
  [31001, problem('admin', 'The phone network does not know this application.', TELL_ADMIN)],
  [31002, problem('call', 'The phone network refused the call.', 'Check the number and try again.')],
  [31003, problem('call', 'The call was not set up in time.', 'Check your internet connection and try again.')],
  [31005, network],
  [31008, problem('call', 'The call was canceled.', '')],
  [31009, network],
  [31100, misfit],
  [31101, misfit],
  [31102, signIn],
  [31103, misfit],
  [31104, misfit],
  [31105, problem('admin', 'The phone network refused this person’s phone name.', TELL_ADMIN)],
  [31107, media],
  [31201, badKey],
  [31202, badKey],
  [31203, badKey],
  [31204, signIn],
  [31205, signIn],
  [31206, problem('admin', 'Too many phones connected at once.', 'Wait a minute and start the phone again.')],
  [31207, badClock],
  [31209, media],
  [31210, misfit],
  [31212, misfit],
  [31400, notMade],
  [31404, problem('call', 'That number is not in service.', 'Check the number and try again.')],
  [31480, problem('call', 'That phone can’t be reached right now.', 'Try again later.')],
  [31486, problem('call', 'Busy.', 'Try again later.')],
  [31603, problem('call', 'The call was declined.', '')],
  [53000, network],
  [53001, network],
  [53400, media],
  [53402, media],
  [53405, media],
]);
const MICROPHONE = { 31208: 'NotAllowedError', 31401: 'NotAllowedError', 31402: 'NotReadableError' };

/** The problem behind an SDK code: {kind, code, message, remedy}. `browser` only matters for the microphone. */
export function problemOf(code, browser = 'other') {
  if (code in MICROPHONE) return { ...microphoneProblem(MICROPHONE[code], browser), code };
  const known = PROBLEMS.get(code) ?? problem('call', 'Something went wrong with the phone.', 'Try again.');
  return { ...known, code };
}

const STEPS = {
  chrome: 'Select the icon at the left of the address bar, turn Microphone on, then select “Try again”.',
  edge: 'Select the lock at the left of the address bar, set Microphone to Allow, then select “Try again”.',
  firefox:
    'Select the crossed-out microphone at the left of the address bar, clear “Blocked”, then select “Try again”.',
  safari: 'Choose Safari › Settings for this website, set Microphone to Allow, then select “Try again”.',
  other: 'Allow the microphone for this site in your browser’s settings, then select “Try again”.',
};

/** The problem behind an error of getUserMedia, by the error's `name` (W3C Media Capture). */
export function microphoneProblem(name, browser = 'other') {
  const of = (message, remedy) => ({ kind: 'microphone', code: name, message, remedy });
  if (name === 'NotAllowedError' || name === 'SecurityError') {
    return of('Your browser blocks the microphone for this site.', STEPS[browser] ?? STEPS.other);
  }
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    return of('No microphone was found.', 'Plug in a headset or microphone, then select “Try again”.');
  }
  if (name === 'InsecureContext') {
    return of('Browsers only give a microphone to secure pages.', 'Open this site with https:// in its address.');
  }
  return of('Your microphone can’t be used.', 'Close other programs that use it, then select “Try again”.');
}

/** Which browser's steps to show. Order matters: Edge says Chrome, and Chrome says Safari. */
export function browserOf(userAgent) {
  if (/\bEdg\//.test(userAgent)) return 'edge';
  if (/\bFirefox\//.test(userAgent)) return 'firefox';
  if (/(Chrome|CriOS|Chromium)\//.test(userAgent)) return 'chrome';
  if (/\bSafari\//.test(userAgent)) return 'safari';
  return 'other';
}

const WARNINGS = {
  'high-rtt': 'The connection is slow. You may talk over each other.',
  'high-jitter': 'The connection is uneven. The sound may break up.',
  'low-mos': 'Call quality is poor.',
  'high-packet-loss': 'Parts of the sound are lost on the way.',
  'high-packets-lost-fraction': 'Parts of the sound are lost on the way.',
  'low-bytes-received': 'You may not hear the other side. Check your connection.',
  'low-bytes-sent': 'The other side may not hear you. Check your connection.',
  'ice-connectivity-lost': 'The sound connection was lost. Trying to get it back.',
  'constant-audio-input-level': 'We can’t hear you. Check your microphone.',
};

/** The sentence for a warning of a call, or null if the SDK has a new one that we don't know. */
export const warningOf = (name) => WARNINGS[name] ?? null;
