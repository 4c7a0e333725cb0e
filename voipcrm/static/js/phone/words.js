// How the phone writes lengths, names and numbers. No DOM.

const two = (n) => String(n).padStart(2, '0');

/** Length of a call as people say it: 42 s is "0:42", 6 min 18 s "6:18", an hour "1:00:00". */
export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A running timer, `ms` since the answer, with a steady width: "04:37", "1:04:37". Counts whole seconds passed. */
export function timer(ms) {
  const text = length(Math.floor(Math.max(0, ms) / 1000));
  return text.length < 5 ? `0${text}` : text;
}

/** One or two letters for an avatar; empty if the name is a number or missing. */
export function initials(name) {
  const parts = (name ?? '')
    .normalize('NFC')
    .split(/[\s,&.-]+/u)
    .filter((part) => /^\p{L}/u.test(part));
  const [first, last] = [parts[0], parts.length > 1 ? parts.at(-1) : ''];
  return ([...(first ?? '')].slice(0, 1).join('') + [...last].slice(0, 1).join('')).toLocaleUpperCase();
}

/**
 * What a person typed or pasted, or the target of a tel: link, as something that can be dialled: digits, * and #,
 * with + only in front. The server knows the countries and has the last word.
 */
export function dialable(text) {
  const bare = withoutExtension(text);
  const plus = /^[^\d*#]*\+/.test(bare) ? '+' : '';
  return plus + bare.replace(/\(0\)/, plus ? '' : '0').replace(/[^\d*#]/g, '');
}

/** Are there letters in what is to be dialled? Those of tel: and of an extension do not count. */
export const hasLetters = (text) => /\p{L}/u.test(withoutExtension(text));

const withoutExtension = (text) =>
  String(text ?? '')
    .normalize('NFKC')
    .replace(/^\s*tel:/i, '')
    .split(/[;,]|\bext\b|\bx(?=\d)/i)[0];

/** Digits that can be sent into a call: 0-9, * and #, and w for half a second of rest. */
export const toneKeys = (text) =>
  String(text ?? '')
    .replace(/[^\d*#w]/gi, '')
    .toLowerCase();
