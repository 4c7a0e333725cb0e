// The custom elements of the app. A page works without them; they add what only a script can do.
import './confirm-dialog.js';
import './copy-button.js';
import './main-nav.js';
import './theme-choice.js';
import './zone-choice.js';

// Pressing play brings it, so it is fetched only then.
document.addEventListener('htmx:after:swap', () => {
  if (document.querySelector('recording-player:not(:defined)')) import('./recording-player.js');
});

// After a call the list of recordings has something new, but it must not take an open player or chosen rows away.
document.addEventListener(
  'voipcrm:call-ended',
  () => {
    if (!document.querySelector('recording-player, #recordings [name=sid]:checked')) document.body.dispatchEvent(new CustomEvent('voipcrm:recordings-due'));
  },
  { capture: true }, // it is sent to the body and does not bubble
);
