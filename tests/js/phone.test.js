import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ApiError } from '../../voipcrm/static/js/api.js';
import { Phone } from '../../voipcrm/static/js/phone/phone.js';
import { Presence, presenceOf } from '../../voipcrm/static/js/phone/presence.js';
import { PhoneState } from '../../voipcrm/static/js/phone/state.js';

const HOUR = 3_600_000;

/** The SDK's Device as far as the phone sees it (device.d.ts of 2.18.5). */
class SdkDevice extends EventEmitter {
  static made = [];
  state = 'unregistered';
  tokens = [];
  registrations = 0;

  constructor(token, options) {
    super();
    this.tokens.push(token);
    this.options = options;
    SdkDevice.made.push(this);
  }

  async register() {
    this.registrations += 1;
    this.state = 'registered';
    this.emit('registered');
  }
  updateToken(token) {
    this.tokens.push(token);
  }
  destroy() {
    this.state = 'destroyed';
    this.emit('unregistered');
  }
}
class SdkCall {
  constructor(config, options) {
    this.options = options;
  }
}

function phone({ api } = {}) {
  const clock = { now: 0 };
  const state = new PhoneState();
  let tokens = 0;
  const audio = { before: async () => {}, after: () => audio.released++, lost: () => {}, released: 0 };
  const line = new Phone({
    state,
    api:
      api ??
      (async () => ({
        token: `t${(tokens += 1)}`,
        ttl: 3600,
        device: { chunderw: 'sandbox.invalid', publishEvents: false },
      })),
    sdk: { Device: SdkDevice, Call: SdkCall },
    sounds: { incoming: '/ring.wav' },
    microphone: { browser: 'firefox' },
    audio,
    now: () => clock.now,
  });
  return { line, state, clock, audio, now: () => state.snapshot().line };
}

/** Each phone has a timer for its token; a test that leaves it would keep Node waiting. */
function lineTest(name, body) {
  test(name, async () => {
    const at = phone(body.options);
    try {
      await body(at);
    } finally {
      at.line.stop();
    }
  });
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

lineTest('starting registers with the server’s options over ours, and our sounds', async ({ line, now }) => {
  await line.start();
  const { options } = line.device;
  assert.equal(now().status, 'ready');
  assert.deepEqual(
    [options.chunderw, options.publishEvents, options.allowIncomingWhileBusy, options.closeProtection],
    ['sandbox.invalid', false, true, false],
  );
  assert.deepEqual(options.sounds, { incoming: '/ring.wav' });
});

lineTest('accepting a second call does not make the SDK drop the first', async ({ line }) => {
  await line.start();
  const call = new line.device.options.Call({}, { beforeAccept: () => assert.fail('dropped'), offerSdp: 'v=0' });
  assert.deepEqual(call.options, { beforeAccept: undefined, offerSdp: 'v=0' });
});

lineTest('the SDK’s warning renews the token, a call puts the routine one off', async ({ line, state, clock }) => {
  await line.start();
  clock.now = 0.7 * HOUR;
  state.dialled('a', {});
  await line.renew('timer');
  assert.deepEqual(line.device.tokens, ['t1']);
  state.over('a', null);
  line.callOver();
  await settle();
  assert.deepEqual(line.device.tokens, ['t1', 't2']);
  clock.now = 1.1 * HOUR;
  line.device.emit('tokenWillExpire');
  await settle();
  assert.deepEqual(line.device.tokens, ['t1', 't2', 't3']);
});

lineTest('waking with a lost registration registers again', async ({ line, now }) => {
  await line.start();
  line.device.state = 'unregistered';
  line.device.emit('unregistered');
  assert.equal(now().status, 'reconnecting');
  await line.renew('awake');
  assert.deepEqual([now().status, line.device.registrations], ['ready', 2]);
});

lineTest('a refused token is replaced once; a second refusal is told', async ({ line, clock, now }) => {
  await line.start();
  const { device } = line;
  device.emit('error', { code: 20104 });
  await settle();
  assert.deepEqual(device.tokens, ['t1', 't2']);
  clock.now = 30_000;
  device.emit('error', { code: 31205 });
  await settle();
  assert.deepEqual([now().status, now().code, device.state], ['error', 31205, 'destroyed']);
});

lineTest('network trouble waits, a wrong key is final', async ({ line, now }) => {
  await line.start();
  const { device } = line;
  device.emit('error', { code: 53000 });
  assert.equal(now().status, 'reconnecting');
  device.emit('registered');
  assert.equal(now().status, 'ready');
  device.emit('error', { code: 31202 });
  assert.deepEqual([now().status, now().code, line.device], ['error', 31202, null]);
});

lineTest('an error of the line during a call leaves the Device alone', async ({ line, state, now }) => {
  await line.start();
  state.dialled('a', {});
  line.device.emit('error', { code: 31202 });
  assert.deepEqual([now().status, line.device.state], ['error', 'registered']);
});

lineTest('offline and online again, with the connection still there', async ({ line, now }) => {
  await line.start();
  line.offline();
  assert.equal(now().status, 'offline');
  line.online();
  assert.equal(now().status, 'ready');
});

lineTest('a late event of a phone that was switched off says nothing', async ({ line, now }) => {
  await line.start();
  const { device } = line;
  line.stop();
  assert.deepEqual([now().status, device.state], ['off', 'destroyed']);
  device.emit('registered');
  device.emit('error', { code: 31202 });
  assert.equal(now().status, 'off');
});

lineTest('the microphone is let go after the last call, not between two', async ({ line, state, audio }) => {
  await line.start();
  state.dialled('a', {});
  line.callOver();
  assert.equal(audio.released, 0);
  state.over('a', null);
  line.callOver();
  assert.equal(audio.released, 1);
});

test('a session that ended is told as such', async () => {
  const at = phone({
    api: async () => {
      throw new ApiError(401, 'http-401', 'Your session ended.');
    },
  });
  await at.line.start();
  at.line.stop('error', at.state.snapshot().line);
  assert.deepEqual([at.now().status, at.now().code, at.now().message], ['error', 401, 'Your session ended.']);
});

lineTest('who was signed out is not ready, and is again after signing in', async ({ line, now }) => {
  await line.start();
  const { device } = line;
  line.sessionLost();
  assert.deepEqual([now().status, now().code, device.state], ['error', 401, 'destroyed']);
  assert.equal(now().remedy, 'Sign in again; the phone then starts by itself.');
  await line.sessionBack();
  assert.deepEqual([now().status, line.device.state], ['ready', 'registered']);
});

lineTest('neither the end of a session nor a new one ends a call', async ({ line, state, clock, now }) => {
  await line.start();
  const { device } = line;
  state.dialled('a', {});
  line.sessionLost();
  assert.equal(now().status, 'ready');
  state.lineIs('error', { code: 401 }); // a token was wanted meanwhile
  clock.now = HOUR;
  await line.sessionBack();
  assert.deepEqual([now().status, line.device, device.state], ['ready', device, 'registered']);
  assert.deepEqual(device.tokens, ['t1', 't2']);
});

test('waiting for the phone ends with the reason it does not come', async () => {
  const at = phone();
  at.state.lineIs('connecting');
  const waiting = at.line.ready();
  at.state.lineIs('no-mic', { message: 'Your browser blocks the microphone for this site.' });
  await assert.rejects(waiting, /blocks the microphone/);
});

test('presence is busy with any call, available only when ready', () => {
  const of = (status, rest = {}) => presenceOf({ line: { status }, call: null, incoming: [], parked: [], ...rest });
  assert.deepEqual(
    ['off', 'no-mic', 'error', 'connecting', 'reconnecting', 'ready'].map((status) => of(status)),
    ['offline', 'offline', 'offline', 'away', 'away', 'available'],
  );
  assert.equal(of('ready', { incoming: [{}] }), 'busy');
  assert.equal(of('error', { call: {} }), 'busy');
});

test('presence is said at each change only, on leaving with keepalive, and not by a hushed tab', async () => {
  const said = [];
  const presence = new Presence((state, options) => said.push([state, options?.keepalive ?? false]));
  const ready = { line: { status: 'ready' }, call: null, incoming: [], parked: [] };
  presence.show(ready);
  presence.show(ready);
  presence.leave();
  presence.leave();
  await new Promise(setImmediate);
  presence.show(ready);
  presence.hush();
  presence.leave();
  assert.deepEqual(said, [
    ['available', false],
    ['offline', true],
    ['available', false],
  ]);
});
