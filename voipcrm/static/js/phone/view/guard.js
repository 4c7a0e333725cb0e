// Leaving the page ends a call, and silences a ringing one: ask first. The SDK's own guard forgets the ringing.

export function guardAgainstLeaving(hasCalls) {
  window.addEventListener('beforeunload', (event) => {
    if (hasCalls()) event.preventDefault();
  });
}
