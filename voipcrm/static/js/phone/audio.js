// Which microphone and speakers the phone uses. No DOM: the dialog is view/audio-dialog.js.
// A choice is kept by label as well as by id, because browsers change the ids when site data is cleared.

const KEY = 'voipcrm-phone-audio';

export class AudioChoice {
  #storage;
  #state;
  #choice;

  constructor({ storage, state }) {
    this.#storage = storage;
    this.#state = state;
    this.#choice = read(storage);
  }

  /** {input, speaker, ringtone}: each {id, label} or undefined, which is the system's default. */
  get choice() {
    return this.#choice;
  }

  /** Remember a device for 'input', 'speaker' or 'ringtone'; null goes back to the system's default. */
  choose(kind, device) {
    this.#choice = { ...this.#choice, [kind]: device ? { id: device.deviceId, label: device.label } : undefined };
    this.#storage.setItem(KEY, JSON.stringify(this.#choice));
  }

  /** Before a call: open the chosen microphone and set the outputs. A device that is gone means the default. */
  async before(device) {
    const audio = device?.audio;
    if (!audio) return;
    const input = match(audio.availableInputDevices, this.#choice.input);
    if (input) await audio.setInputDevice(input.deviceId).catch(() => this.#fellBack());
    await this.setOutputs(device);
  }

  async setOutputs(device) {
    const audio = device?.audio;
    if (!audio?.isOutputSelectionSupported) return;
    for (const [devices, wanted] of [
      [audio.speakerDevices, 'speaker'],
      [audio.ringtoneDevices, 'ringtone'],
    ]) {
      const found = match(audio.availableOutputDevices, this.#choice[wanted]);
      if (found) await devices.set(found.deviceId).catch(() => {});
    }
  }

  /** After the last call: let the microphone go, or its light stays on. */
  after(device) {
    if (device?.audio?.inputDevice) device.audio.unsetInputDevice().catch(() => {});
  }

  /** Devices in use were unplugged (MediaDeviceInfo list, from the SDK's deviceChange). */
  lost(device, lost) {
    const gone = lost.find(({ kind }) => kind === 'audioinput');
    if (gone) this.microphoneGone(device, gone.label);
    else if (lost.length)
      this.#state.notify(
        `${lost[0].label || 'Your headset'} was disconnected. Sound now plays on the default speaker.`,
        'warn',
      );
  }

  /** The microphone of a call stopped. Go on with another one, if there is one. */
  async microphoneGone(device, label = '') {
    const was = label || 'Your microphone';
    const left = [...(device?.audio?.availableInputDevices.values() ?? [])];
    const next = left.find(({ deviceId }) => deviceId === 'default') ?? left[0];
    if (!next) {
      this.#state.notify(`${was} was disconnected. The other side can’t hear you until you plug one in.`, 'bad');
      return;
    }
    try {
      if (this.#state.hasCalls) await device.audio.setInputDevice(next.deviceId);
      this.#state.notify(`${was} was disconnected. Now using ${next.label || 'another microphone'}.`, 'warn');
    } catch {
      this.#state.notify(`${was} was disconnected and no other could be opened.`, 'bad');
    }
  }

  #fellBack() {
    this.#state.notify(
      `${this.#choice.input.label || 'The chosen microphone'} could not be opened. Using the default one.`,
      'warn',
    );
  }
}

/** The device of `map` (id → MediaDeviceInfo) that `wanted` means: by id, else by label. Null: the default. */
export function match(map, wanted) {
  if (!wanted || !map) return null;
  const devices = [...map.values()];
  return map.get(wanted.id) ?? devices.find(({ label }) => label && label === wanted.label) ?? null;
}

function read(storage) {
  try {
    return JSON.parse(storage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
