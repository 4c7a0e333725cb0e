// The dock around the calls: status, trouble, start, last call, pill, and whether it is open.
import { timer } from '../words.js';
import { nameOf, part, setText, show } from './parts.js';

const OPEN_KEY = 'voipcrm-phone-open';
const NARROW = '(max-width: 68rem)';
const STATUS = {
  off: ['Off', ''],
  'no-mic': ['No microphone', 'bad'],
  connecting: ['Connecting', 'warn'],
  ready: ['Ready', 'good'],
  reconnecting: ['Reconnecting', 'warn'],
  offline: ['Offline', 'bad'],
  error: ['Not working', 'bad'],
  'other-tab': ['In another tab', ''],
};
const TROUBLE = new Set(['no-mic', 'reconnecting', 'offline', 'error']);

export class DockView {
  #root;
  #storage;
  #snapshot = null;
  #elsewhere = false;

  constructor(root, storage) {
    this.#root = root;
    this.#storage = storage;
    const wide = !matchMedia(NARROW).matches;
    this.open(wide && storage.getItem(OPEN_KEY) !== 'no', { remember: false });
    matchMedia(NARROW).addEventListener('change', ({ matches }) =>
      this.open(!matches && storage.getItem(OPEN_KEY) !== 'no', { remember: false }),
    );
  }

  /** Open the dock, or shrink it to a pill. A wide window remembers the person's choice. */
  open(open, { remember = true } = {}) {
    this.#root.dataset.open = String(open);
    for (const button of this.#root.querySelectorAll('[data-do="open"], [data-do="close"]'))
      button.setAttribute('aria-expanded', String(open));
    if (remember && !matchMedia(NARROW).matches) this.#storage.setItem(OPEN_KEY, open ? 'yes' : 'no');
  }

  /** Something happens that a person should see: on a wide window open for now; a narrow one shows calls anyway. */
  reveal() {
    const trouble = !['ready', 'connecting'].includes(this.#snapshot.line.status);
    if (trouble || !matchMedia(NARROW).matches) this.open(true, { remember: false });
  }

  render(snapshot, { elsewhere = false } = {}) {
    this.#snapshot = snapshot;
    this.#elsewhere = elsewhere;
    const { line, call, incoming, parked, state } = snapshot;
    const quiet = !call && !incoming.length && !parked.length;
    this.#root.dataset.state = state;
    this.#status(line, elsewhere);
    show(part(this.#root, 'start'), line.status === 'off');
    show(part(this.#root, 'elsewhere'), elsewhere);
    show(this.#root.querySelector('.phone__tools [data-do="stop"]'), line.status !== 'off' && quiet);
    show(
      this.#root.querySelector('.phone__tools [data-do="audio"]'),
      !elsewhere && ['ready', 'reconnecting'].includes(line.status),
    );
    this.#trouble(line);
    this.#ended(snapshot);
    this.#notice(snapshot.notice);
    show(part(this.#root, 'pill-end'), Boolean(call));
    this.tick();
  }

  tick(now = Date.now()) {
    const { call, incoming, line, ended } = this.#snapshot;
    const word = STATUS[line.status]?.[0] ?? '';
    const about = call ? `${nameOf(call)} ${call.answeredAt ? timer(now - call.answeredAt) : 'Calling'}` : '';
    const ringing = incoming.length ? `${nameOf(incoming[0])} is calling` : '';
    const last = ended ? `${nameOf(ended)}: ${ended.text}` : '';
    const beside = call && matchMedia(NARROW).matches; // the call itself is shown above the bar
    setText(
      part(this.#root, 'pill-text'),
      beside
        ? 'Contacts, recent calls, keypad'
        : about || ringing || last || `Phone: ${this.#elsewhere ? 'in another tab' : word}`,
    );
  }

  hint(shown) {
    show(part(this.#root, 'hint'), shown);
  }

  #status(line, elsewhere) {
    const [word, kind] = elsewhere && line.status === 'ready' ? STATUS['other-tab'] : (STATUS[line.status] ?? ['', '']);
    setText(part(this.#root, 'status-word'), word);
    part(this.#root, 'status').className = kind ? `badge badge--${kind}` : 'badge';
    this.#root.dataset.line = line.status;
  }

  #trouble({ status, message, remedy, code, kind }) {
    const trouble = TROUBLE.has(status) && Boolean(message);
    show(part(this.#root, 'problem'), trouble);
    if (!trouble) return;
    setText(part(this.#root, 'problem-text'), message);
    setText(part(this.#root, 'problem-remedy'), remedy ?? '');
    const numbered = Number.isInteger(code) && kind !== 'microphone';
    show(part(this.#root, 'problem-code'), numbered);
    setText(part(this.#root, 'problem-code'), numbered ? `Code ${code}` : '');
    show(part(this.#root, 'retry'), status === 'no-mic' || status === 'error');
  }

  #ended({ ended, call, incoming }) {
    const root = part(this.#root, 'ended');
    show(root, Boolean(ended && !call && !incoming.length));
    if (!ended) return;
    root.dataset.tone = ended.tone;
    setText(part(root, 'ended-text'), ended.text);
    setText(part(root, 'ended-name'), nameOf(ended));
    show(part(root, 'ended-again'), Boolean(ended.again && (ended.to || ended.userId)));
  }

  #notice(notice) {
    const root = part(this.#root, 'notice');
    show(root, Boolean(notice));
    root.dataset.tone = notice?.tone ?? '';
    setText(part(root, 'notice-text'), notice?.text ?? '');
  }
}
