// The real Voice SDK against the sandbox. Tests drive `phone` and read `phone.log`; sound is judged by frequency.
// ?hz=700 replaces the microphone by a tone, so that two pages of one browser can be told apart.
const query = new URLSearchParams(location.search);

if (query.has('hz')) {
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: Number(query.get('hz')) });
    const level = new GainNode(context, { gain: 0.2 });
    const out = context.createMediaStreamDestination();
    tone.connect(level).connect(out);
    tone.start();
    return out.stream;
  };
}

class PhoneUnderTest {
  log = [];
  call = null;
  device = null;
  #analyser = null;

  note(name, detail = '') {
    this.log.push({ name, detail: String(detail), at: performance.now() });
  }

  has(name) {
    return this.log.some((entry) => entry.name === name);
  }

  async start(token) {
    const sound = '/static/sounds/';
    const names = ['incoming', 'outgoing', 'disconnect', ...[...'0123456789sh'].map((key) => `dtmf${key}`)];
    this.device = new Twilio.Device(token, {
      chunderw: 'sandbox.invalid',
      publishEvents: false,
      codecPreferences: ['opus', 'pcmu'],
      enableImprovedSignalingErrorPrecision: true,
      maxCallSignalingTimeoutMs: 30000,
      sounds: Object.fromEntries(names.map((name) => [name, `${sound}${name}.wav`])),
      logLevel: 'silent',
    });
    for (const name of ['registered', 'unregistered', 'tokenWillExpire']) {
      this.device.on(name, () => this.note(name));
    }
    this.device.on('error', (error) => this.note('device-error', error.code));
    this.device.on('incoming', (call) => {
      this.take(call);
      this.note('incoming', JSON.stringify([call.parameters.From, ...call.customParameters]));
    });
    await this.device.register();
  }

  take(call) {
    this.call = call;
    for (const name of ['accept', 'cancel', 'disconnect', 'reject', 'ringing', 'reconnecting', 'reconnected']) {
      call.on(name, (detail) => this.note(name, name === 'ringing' ? detail : ''));
    }
    call.on('error', (error) => this.note('call-error', error.code));
    call.on('warning', (name) => this.note('warning', name));
  }

  async connect(params) {
    this.take(await this.device.connect({ params }));
  }

  // The loudest frequency of what this page hears now and its level in dB (about -100 is silence).
  hears() {
    const stream = this.call?.getRemoteStream();
    if (!stream) return { hz: 0, db: -200 };
    if (this.#analyser?.stream !== stream) {
      const context = new AudioContext();
      const node = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(stream).connect(node);
      this.#analyser = { stream, node, bins: new Float32Array(node.frequencyBinCount), rate: context.sampleRate };
    }
    const { node, bins, rate } = this.#analyser;
    node.getFloatFrequencyData(bins);
    const peak = bins.indexOf(Math.max(...bins));
    return { hz: (peak * rate) / node.fftSize, db: Math.max(bins[peak], -200) };
  }

  // Packets in and packets lost. (How many samples the browser had to invent says more about the machine's load.)
  async inbound() {
    const reports = await this.call._mediaHandler.version.pc.getStats();
    for (const report of reports.values()) {
      if (report.type === 'inbound-rtp') {
        return { packets: report.packetsReceived, lost: report.packetsLost };
      }
    }
    return null;
  }
}

window.phone = new PhoneUnderTest();
