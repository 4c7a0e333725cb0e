// Chords that work anywhere on the page, while typing too. By place on the keyboard, since Alt makes symbols on a Mac.

const KEYS = {
  KeyA: 'accept',
  KeyR: 'reject',
  KeyM: 'mute',
  KeyH: 'hold',
  KeyC: 'pause',
  KeyE: 'end',
  KeyK: 'keypad',
  KeyP: 'focus',
  KeyS: 'save',
};

/**
 * `run(name)` for Alt+Shift+A accept, R reject, M mute, H hold, C pause the recording (card data), E end, K keypad,
 * P go to the phone, S save the wrap-up.
 */
export function listenForShortcuts(run) {
  document.addEventListener('keydown', (event) => {
    const name = KEYS[event.code];
    if (!name || !event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || event.repeat) return;
    event.preventDefault();
    run(name);
  });
}
