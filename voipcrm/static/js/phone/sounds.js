// Our own sounds (bin/make-sounds). Every name that the SDK would otherwise fetch from sdk.twilio.com is here.

const url = (name) => new URL(`../../sounds/${name}.wav`, import.meta.url).href;
const KEYS = [...'0123456789'].map((key) => `dtmf${key}`).concat('dtmfs', 'dtmfh');

export const SDK_SOUNDS = Object.fromEntries(
  ['incoming', 'outgoing', 'disconnect', ...KEYS].map((name) => [name, url(name)]),
);

/** Play one of ours once: 'ready', 'waiting', or the tone of a key. A browser that forbids it stays silent. */
export function play(name, volume = 1) {
  const sound = new Audio(url(name));
  sound.volume = volume;
  sound.play().catch(() => {});
}

/** The sound of a key on the keypad, softly. */
export function playKey(key) {
  const name = { '*': 'dtmfs', '#': 'dtmfh' }[key] ?? (/^\d$/.test(key) ? `dtmf${key}` : null);
  if (name) play(name, 0.35);
}
