import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PhoneState } from '../../voipcrm/static/js/phone/state.js';

const ENDED = { text: 'Call ended 0:42', tone: 'good', again: true, at: 0 };

function ready() {
  const state = new PhoneState();
  const seen = [];
  state.subscribe((snapshot) => seen.push(snapshot.state));
  state.lineIs('connecting');
  state.lineIs('ready');
  return { state, seen, now: () => state.snapshot() };
}

test('an outgoing call walks from dialling to ended', () => {
  const { state, seen, now } = ready();
  state.dialled('a', { to: '+14155550100', name: 'Priya' });
  state.ringing('a');
  state.answered('a', 1000);
  state.over('a', ENDED);
  assert.deepEqual(seen, ['connecting', 'ready', 'dialling', 'ringing', 'active', 'ended']);
  assert.deepEqual([now().ended.name, now().ended.to, now().ended.text], ['Priya', '+14155550100', 'Call ended 0:42']);
  state.dismiss();
  assert.equal(now().state, 'ready');
});

test('late words about a call that is over change nothing', () => {
  const { state, seen } = ready();
  state.dialled('a', {});
  state.over('a', ENDED);
  const before = seen.length;
  state.ringing('a');
  state.answered('a', 1);
  state.muted('a', true);
  state.learn('a', { held: true });
  state.over('a', ENDED);
  assert.equal(seen.length, before);
});

test('a late ringing does not take an answer back, and a second answer does not move the timer', () => {
  const { state, now } = ready();
  state.dialled('a', {});
  state.answered('a', 1000);
  state.ringing('a');
  state.answered('a', 9000);
  assert.deepEqual([now().state, now().call.answeredAt], ['active', 1000]);
});

test('a call that rings while one is active waits beside it, and the first comes back on hold', () => {
  const { state, now } = ready();
  state.dialled('a', {});
  state.answered('a', 1);
  state.offered('b', { name: 'Jonas' });
  assert.deepEqual([now().state, now().call.key, now().incoming[0].key], ['active', 'a', 'b']);
  state.holdSettled('a', true);
  state.park('a');
  state.answered('b', 2);
  assert.deepEqual([now().call.key, now().parked.map(({ key }) => key)], ['b', ['a']]);
  state.over('b', ENDED);
  assert.deepEqual([now().call.key, now().call.held, now().parked.length], ['a', true, 0]);
});

test('several ringing calls stack in the order they came', () => {
  const { state, now } = ready();
  for (const key of ['a', 'b', 'c']) state.offered(key, {});
  state.over('b', null);
  assert.deepEqual([now().state, now().incoming.map(({ key }) => key)], ['incoming', ['a', 'c']]);
});

test('only a live call can reconnect, and it comes back as it was', () => {
  const { state, now } = ready();
  state.dialled('a', {});
  state.connectionLost('a');
  assert.equal(now().state, 'dialling');
  state.answered('a', 1);
  state.muted('a', true);
  state.connectionLost('a');
  assert.equal(now().state, 'reconnecting');
  state.connectionBack('a');
  assert.deepEqual([now().state, now().call.muted], ['active', true]);
});

test('a failed hold leaves the call as the server last said', () => {
  const { state, now } = ready();
  state.dialled('a', {});
  state.answered('a', 1);
  state.holding('a');
  assert.equal(now().call.holding, true);
  state.holdSettled('a', null);
  assert.deepEqual([now().call.holding, now().call.held], [false, false]);
});

test('trouble of the line carries its reason and does not hide a call', () => {
  const { state, now } = ready();
  state.dialled('a', {});
  state.lineIs('error', { code: 31202, message: 'Refused.', remedy: 'Tell someone.' });
  assert.deepEqual([now().state, now().line.status, now().line.code], ['dialling', 'error', 31202]);
});

test('two calls can’t be in front', () => {
  const { state } = ready();
  state.dialled('a', {});
  assert.throws(() => state.dialled('b', {}));
});

test('a snapshot is plain data and a copy', () => {
  const { state, now } = ready();
  state.dialled('a', { name: 'Priya' });
  const copy = structuredClone(now());
  assert.deepEqual(copy, now());
  copy.call.name = 'Mallory';
  now().call.name = 'Mallory';
  assert.equal(now().call.name, 'Priya');
});

test('a link that is undone takes the name of the contact away again', () => {
  const { state, now } = ready();
  state.offered('a', { number: '+49 30', to: '+4930' });
  const peer = { number: '+4930', display: '+49 30' };
  state.learn('a', { peer: { ...peer, name: 'Jonas', company: 'Weber', contact_id: 7, url: '/contacts/persons/7' } });
  assert.deepEqual([now().incoming[0].name, now().incoming[0].url], ['Jonas', '/contacts/persons/7']);
  state.learn('a', { recording: true }); // says nothing of the other party
  assert.equal(now().incoming[0].name, 'Jonas');
  state.learn('a', { peer: { ...peer, name: '', company: '', contact_id: null, url: null } });
  const [call] = now().incoming;
  assert.deepEqual([call.name, call.company, call.contactId, call.url, call.number], ['', '', null, null, '+49 30']);
});

test('what the server does not know stays as it was', () => {
  const { state, now } = ready();
  state.offered('a', { name: 'Jonas', line: 'Berlin line', number: '+49 30' });
  state.learn('a', {
    id: 'x1',
    peer: { number: '+4930', display: null, name: null, company: 'Weber' },
    line: null,
    recording: true,
  });
  const [call] = now().incoming;
  assert.deepEqual(
    [call.id, call.name, call.line, call.number, call.company, call.recording],
    ['x1', 'Jonas', 'Berlin line', '+49 30', 'Weber', true],
  );
});
