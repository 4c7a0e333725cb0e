// Every custom element of the app. A page works without them; they add what only a script can do.
import './confirm-dialog.js';
import './copy-button.js';
import './main-nav.js';
import './recording-player.js';
import './theme-choice.js';
import './zone-choice.js';
