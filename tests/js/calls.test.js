import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ApiError } from '../../voipcrm/static/js/api.js';
import { Calls } from '../../voipcrm/static/js/phone/calls.js';
import { PhoneState } from '../../voipcrm/static/js/phone/state.js';

/** The SDK's Call as far as the phone sees it (call.d.ts of 2.18.5). */
class SdkCall extends EventEmitter {
  customParameters = new Map();
  parameters = {};
  did = [];
  #status = 'pending';

  constructor(custom = {}, from = '') {
    super();
    this.customParameters = new Map(Object.entries(custom));
    this.parameters = { From: from };
  }

  status = () => this.#status;
  accept() {
    this.#status = 'open';
    this.emit('accept');
  }
  reject() {
    this.end('reject');
  }
  disconnect() {
    this.end('disconnect');
  }
  mute(on) {
    this.did.push(on ? 'mute' : 'unmute');
    this.emit('mute', on);
  }
  sendDigits(digits) {
    this.did.push(digits);
  }
  end(event) {
    this.#status = 'closed';
    this.emit(event);
  }
}

/** `answers`: "METHOD path" → a CallJson change, an ApiError to throw, or a function of the body. */
function phone(answers = {}) {
  const state = new PhoneState();
  const asked = [];
  const sdk = new SdkCall();
  const over = [];
  const known = { id: 'c1', state: 'in-progress', outcome: null, held: false };
  const api = async (method, path, body) => {
    asked.push(`${method} ${path.replace('/api/voip/calls', '')}`);
    const answer = answers[asked.at(-1)];
    if (answer instanceof Error) throw answer;
    if (answer) Object.assign(known, answer);
    return {
      call: { ...known, id: path.match(/calls\/(\w+)/)?.[1]?.replace('outbound', 'c1') ?? 'c1' },
      connect: { params: { call: 'c1' } },
      body,
    };
  };
  const connected = [];
  const line = {
    ready: async () => ({ connect: async (options) => connected.push(options) && sdk }),
    prepareAudio: async () => {},
    callOver: () => {},
    microphoneFailed: (problem) => state.lineIs('no-mic', problem),
  };
  const calls = new Calls({
    state,
    api,
    line,
    browser: 'chrome',
    onOver: (call) => over.push(call),
    now: () => 1000,
    wait: async () => {},
  });
  state.lineIs('ready');
  return { state, calls, sdk, asked, connected, over, now: () => state.snapshot() };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test('dialling asks the server first, and gives the SDK nothing but the id', async () => {
  const { calls, sdk, asked, connected, now } = phone();
  await calls.dial({ to: '+1 415 555 0100', contactId: 12, name: 'Priya' });
  assert.deepEqual([asked, connected], [['POST /outbound'], [{ params: { call: 'c1' } }]]);
  sdk.emit('ringing');
  assert.equal(now().state, 'ringing');
  sdk.accept();
  assert.deepEqual([now().state, now().call.answeredAt], ['active', 1000]);
});

test('a refusal of the server is shown as it is, and no call is connected', async () => {
  const { calls, connected, now } = phone({
    'POST /outbound': new ApiError(422, 'number', 'Calls to Atlantis are not allowed.'),
  });
  await calls.dial({ to: '+999' });
  assert.deepEqual([now().state, now().ended.text, connected], ['ended', 'Calls to Atlantis are not allowed.', []]);
});

test('hanging up while the server is still asked ends the call there too', async () => {
  const { calls, asked, connected, now } = phone();
  const dialling = calls.dial({ to: '+14155550100' });
  calls.end();
  await dialling;
  assert.deepEqual([asked.slice(0, 2), connected, now().call], [['POST /outbound', 'POST /c1/end'], [], null]);
});

test('what happened comes from the server once it knows, and then lists may refresh', async () => {
  const { calls, sdk, over, now } = phone({ 'GET /c1': { state: 'ended', outcome: 'busy', direction: 'outbound' } });
  await calls.dial({ to: '+14155550102' });
  sdk.end('disconnect');
  assert.equal(now().ended.text, 'The call ended before an answer.');
  await settle();
  assert.deepEqual([now().ended.text, over.length, over[0].outcome], ['Busy.', 1, 'busy']);
});

test('several ends of one call are one end', async () => {
  const { calls, sdk, over } = phone({ 'GET /c1': { state: 'ended', outcome: 'answered' } });
  await calls.dial({ to: '+1415' });
  sdk.accept();
  for (const event of ['disconnect', 'cancel', 'disconnect']) sdk.end(event);
  await settle();
  assert.equal(over.length, 1);
});

test('a second call is not placed over the first, nor over one that rings', async () => {
  const { calls, asked, now } = phone();
  await calls.dial({ to: '+1415' });
  await calls.dial({ to: '+1416' });
  assert.deepEqual([asked.filter((line) => line.startsWith('POST')).length, now().notice.tone], [1, 'warn']);
  const other = phone();
  other.calls.offered(new SdkCall({ call: 'c2' }));
  await other.calls.dial({ to: '+1416' });
  assert.deepEqual([other.asked, other.now().incoming.length], [['GET /c2'], 1]); // asked who it is, placed nothing
});

async function talking(answers) {
  const at = phone(answers);
  await at.calls.dial({ to: '+1415', name: 'Priya' });
  at.sdk.accept();
  const second = new SdkCall({ call: 'c2', name: 'Jonas', line: 'Berlin line' }, '+493055501288');
  at.calls.offered(second);
  return { ...at, second };
}

test('accepting a waiting call first puts the present one on hold, through the server, and takes its microphone', async () => {
  const { calls, sdk, second, asked, now } = await talking({ 'POST /c1/hold': { held: true } });
  await calls.accept();
  assert.ok(asked.includes('POST /c1/hold'));
  assert.deepEqual(
    [now().call.name, now().parked[0].name, now().parked[0].held, sdk.did],
    ['Jonas', 'Priya', true, ['mute']],
  );
  second.end('disconnect');
  assert.deepEqual(
    [now().call.name, now().call.held, now().call.muted, sdk.did],
    ['Priya', true, false, ['mute', 'unmute']],
  );
});

test('if the hold fails, the call still rings and the person is told', async () => {
  const { calls, second, now } = await talking({
    'POST /c1/hold': new ApiError(502, 'provider', 'Twilio did not answer.'),
  });
  await calls.accept();
  assert.deepEqual(
    [now().call.name, now().incoming.length, now().incoming[0].accepting, second.status()],
    ['Priya', 1, false, 'pending'],
  );
  assert.match(now().notice.text, /Twilio did not answer/);
});

test('a waiting caller who gives up leaves the talk alone and a note behind', async () => {
  const { second, now } = await talking();
  second.end('cancel');
  assert.deepEqual([now().state, now().incoming.length, now().notice.text], ['active', 0, 'Jonas stopped calling.']);
});

test('resuming a parked call parks the one in front', async () => {
  const { calls, now } = await talking({
    'POST /c1/hold': { held: true },
    'POST /c2/hold': { held: true },
    'DELETE /c1/hold': { held: false },
  });
  await calls.accept();
  await calls.resume({ key: now().parked[0].key });
  assert.deepEqual(
    [now().call.name, now().call.held, now().parked[0].name, now().parked[0].held],
    ['Priya', false, 'Jonas', true],
  );
});

test('hold waits for the server, and says so when it could not', async () => {
  const { calls, now } = await talking({ 'POST /c1/hold': { held: true } });
  const holding = calls.hold();
  assert.deepEqual([now().call.holding, now().call.held], [true, false]);
  await holding;
  assert.deepEqual([now().call.holding, now().call.held], [false, true]);
  const bad = await talking({ 'POST /c1/hold': { held: false } });
  await bad.calls.hold();
  assert.deepEqual([bad.now().call.held, bad.now().notice.tone], [false, 'bad']);
});

test('the recording pauses and goes on as the server says, and never where nothing is recorded', async () => {
  const { calls, now, state, asked } = await talking({
    'POST /c1/recording-pause': { recording_paused: true },
    'DELETE /c1/recording-pause': { recording_paused: false },
  });
  await calls.pause();
  assert.equal(asked.includes('POST /c1/recording-pause'), false);
  state.learn(now().call.key, { recording: true });
  const pausing = calls.pause();
  assert.deepEqual([now().call.pausing, now().call.paused], [true, false]);
  await pausing;
  assert.deepEqual([now().call.pausing, now().call.paused], [false, true]);
  await calls.pause();
  assert.deepEqual([asked.at(-1), now().call.paused], ['DELETE /c1/recording-pause', false]);
});

test('a pause that failed is not claimed', async () => {
  const refusal = new ApiError(409, 'cannot_pause', 'The call is still being recorded.');
  const { calls, now, state } = await talking({ 'POST /c1/recording-pause': refusal });
  state.learn(now().call.key, { recording: true });
  await calls.pause();
  assert.deepEqual([now().call.pausing, now().call.paused], [false, false]);
  assert.equal(now().notice.text, 'The call is still being recorded.');
});

test('digits go into the call only once it is answered', async () => {
  const { calls, sdk, now } = phone();
  await calls.dial({ to: '+1415' });
  calls.digits({ digits: '1' });
  sdk.accept();
  calls.digits({ digits: '2#' });
  assert.deepEqual([sdk.did, now().call.digits], [['2#'], '2#']);
});

test('a denied microphone ends the call with the steps to allow it', async () => {
  const { calls, sdk, now } = phone();
  await calls.dial({ to: '+1415' });
  sdk.status = () => 'closed';
  sdk.emit('error', { code: 31401 });
  assert.equal(now().line.status, 'no-mic');
  assert.match(now().line.remedy, /Microphone on/);
});

test('network trouble in a call is not its end', async () => {
  const { calls, sdk, now } = phone();
  await calls.dial({ to: '+1415' });
  sdk.accept();
  sdk.emit('error', { code: 53001 });
  sdk.emit('reconnecting');
  assert.equal(now().state, 'reconnecting');
  sdk.emit('reconnected');
  assert.deepEqual([now().state, now().call.warning], ['active', null]);
});

test('who calls is asked again if the server does not know yet that it rings here', async () => {
  let refusals = 1;
  const known = { peer: { number: '+14155550142', display: '(415) 555-0142' } };
  const answers = {
    get 'GET /c2'() {
      refusals -= 1;
      return refusals < 0 ? known : new ApiError(404, 'http-404', 'That is no longer there.');
    },
  };
  const { calls, asked, now } = phone(answers);
  calls.offered(new SdkCall({ call: 'c2', number: '+14155550142' }));
  assert.equal(now().incoming[0].number, '+14155550142');
  await settle();
  assert.deepEqual([now().incoming[0].number, asked], ['(415) 555-0142', ['GET /c2', 'GET /c2']]);
});
