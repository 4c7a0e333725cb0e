// Sandbox only: the Voice SDK can speak nothing but wss, and it takes hold of WebSocket when its script loads.
// So this classic script runs before it and sends that one sentinel address to the local sandbox instead.
// With Twilio the meta tag is absent or empty, and nothing happens here.
(() => {
  const signal = document.querySelector('meta[name="voip-signal"]')?.content;
  if (!signal) return;
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url, protocols) {
      super(String(url) === 'wss://sandbox.invalid/signal' ? signal : url, protocols);
    }
  };
})();
