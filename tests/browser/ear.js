// The loudest frequency of what this page hears now, and its level in dB (about -100 is silence).
() => {
  const stream = globalThis.voipcrmPhone?.remoteStream();
  if (!stream) return { hz: 0, db: -200 };
  if (globalThis.testEar?.stream !== stream) {
    const context = new AudioContext();
    const node = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(node);
    globalThis.testEar?.context.close();
    globalThis.testEar = { stream, context, node, bins: new Float32Array(node.frequencyBinCount) };
  }
  const { context, node, bins } = globalThis.testEar;
  node.getFloatFrequencyData(bins);
  const peak = bins.indexOf(Math.max(...bins));
  return { hz: (peak * context.sampleRate) / node.fftSize, db: Math.max(bins[peak], -200) };
}
