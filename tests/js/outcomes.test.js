import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf } from '../../voipcrm/static/js/phone/outcomes.js';

const outbound = { direction: 'outbound', outgoing: true };
const inbound = { direction: 'inbound', outgoing: false };
const text = (call, here) => outcomeOf(call, here).text;

test('an answered call says how long it lasted, by this browser’s clock', () => {
  const call = {
    outcome: 'answered',
    direction: 'outbound',
    answered_at: '2026-11-23T10:00:00Z',
    ended_at: '2026-11-23T10:05:00Z',
  };
  assert.equal(text(call, { ...outbound, answeredAt: 1000, endedAt: 43_000 }), 'Call ended 0:42');
  assert.equal(text(call, outbound), 'Call ended 5:00');
});

test('each way not to be answered has its word', () => {
  const of = (outcome, reason = null) => text({ direction: 'outbound', outcome, reason }, outbound);
  assert.deepEqual(
    ['busy', 'no-answer', 'canceled'].map((outcome) => of(outcome)),
    ['Busy.', 'No answer.', 'You canceled the call.'],
  );
  assert.equal(of('failed', 'That number is not in service.'), 'That number is not in service.');
  assert.equal(of('failed'), 'The call could not be completed.');
});

test('an incoming call tells who took it, or that nobody did', () => {
  const missed = { direction: 'inbound', outcome: 'missed' };
  assert.equal(text(missed, inbound), 'Missed call.');
  assert.equal(text(missed, { ...inbound, byMe: true }), 'You rejected the call.');
  assert.equal(text({ direction: 'inbound', outcome: 'abandoned' }, inbound), 'The caller hung up before an answer.');
  for (const outcome of ['answered', null]) { // over already, or still talking
    const elsewhere = outcomeOf({ direction: 'inbound', outcome, answered_by: { id: 2, name: 'Bo' } }, inbound);
    assert.deepEqual([elsewhere.text, elsewhere.again], ['Answered by Bo.', false]);
  }
});

test('without the server it says only what this browser saw', () => {
  assert.equal(text(null, { ...outbound, byMe: true }), 'You canceled the call.');
  assert.equal(text(null, { ...outbound, problem: '+999 is not a number.' }), '+999 is not a number.');
  assert.equal(text(null, outbound), 'The call ended before an answer.');
  assert.equal(text(null, inbound), 'No longer ringing.');
  assert.equal(text(null, { ...outbound, answeredAt: 0 + 1, endedAt: 60_001 }), 'Call ended 1:00');
});

test('a colleague who is called counts as outgoing here and as incoming there', () => {
  const busy = { direction: 'internal', outcome: 'busy' };
  assert.equal(text(busy, { direction: 'internal', outgoing: true }), 'Busy.');
  assert.equal(text(busy, { direction: 'internal', outgoing: false }), 'You rejected the call.');
});
