// The audio settings dialog. The microphone is only open while the dialog is.
import { match } from '../audio.js';

const KINDS = ['input', 'speaker', 'ringtone'];

export class AudioDialog {
  #root;
  #choice;
  #device = null;
  #stopMeter = null;

  constructor(root, choice) {
    this.#root = root;
    this.#choice = choice;
    root.addEventListener('close', () => this.#closed());
    root.addEventListener('click', (event) => this.#clicked(event.target.closest('button')?.dataset.audio));
    root.addEventListener('change', (event) => this.#chosen(event.target.dataset.audio, event.target.value));
  }

  async open(device) {
    if (!device?.audio || this.#root.open) return;
    this.#device = device;
    device.audio.on('deviceChange', this.#fill);
    this.#fill();
    this.#root.showModal();
    await this.#meter();
    this.#fill(); // names of devices are only known once the microphone was opened
  }

  #get(name) {
    return this.#root.querySelector(`[data-audio="${name}"]`);
  }

  #fill = () => {
    const { audio } = this.#device;
    for (const kind of KINDS) {
      const devices = kind === 'input' ? audio.availableInputDevices : audio.availableOutputDevices;
      const select = this.#get(kind);
      const field = this.#get(`${kind}-field`);
      if (field) field.hidden = !audio.isOutputSelectionSupported;
      const options = [...devices.values()]
        .filter(({ deviceId }) => deviceId !== 'default')
        .map(({ deviceId, label }) => new Option(label || 'Unnamed device', deviceId));
      select.replaceChildren(new Option('System default', ''), ...options);
      select.value = match(devices, this.#choice.choice[kind])?.deviceId ?? '';
      if (select.selectedIndex < 0) select.value = '';
    }
    this.#get('test-speaker').hidden = this.#get('test-ringtone').hidden = !audio.isOutputSelectionSupported;
  };

  async #chosen(kind, id) {
    if (!KINDS.includes(kind)) return;
    const { audio } = this.#device;
    const devices = kind === 'input' ? audio.availableInputDevices : audio.availableOutputDevices;
    this.#choice.choose(kind, devices.get(id) ?? null);
    if (kind === 'input') {
      await audio.setInputDevice(id || 'default').catch(() => {});
      await this.#meter();
    } else if (id) await this.#choice.setOutputs(this.#device);
    else await (kind === 'speaker' ? audio.speakerDevices : audio.ringtoneDevices).set('default').catch(() => {});
  }

  #clicked(name) {
    const { audio } = this.#device ?? {};
    if (name === 'close') this.#root.close();
    if (name === 'test-speaker') audio.speakerDevices.test(soundUrl('ready')).catch(() => {});
    if (name === 'test-ringtone') audio.ringtoneDevices.test(soundUrl('incoming')).catch(() => {});
  }

  /** Show how loud the chosen microphone is. */
  async #meter() {
    this.#stopMeter?.();
    const wanted = this.#get('input').value;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted ? { deviceId: { exact: wanted } } : true });
    } catch {
      return; // the level stays at nothing; starting a call explains what is wrong
    }
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      const level = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(rms, 1e-4)) / 2.5)); // 50 dB of range
      this.#get('level').value = Math.max(level, this.#get('level').value * 0.85); // falls slowly, as meters do
    }, 100);
    this.#stopMeter = () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      context.close();
      this.#stopMeter = null;
    };
    if (!this.#root.open) this.#stopMeter();
  }

  #closed() {
    this.#stopMeter?.();
    this.#get('level').value = 0;
    this.#device?.audio?.removeListener('deviceChange', this.#fill);
    if (this.#device && !this.#device.isBusy) this.#choice.after(this.#device);
    this.#device = null;
  }
}

const soundUrl = (name) => new URL(`../../../sounds/${name}.wav`, import.meta.url).href;
