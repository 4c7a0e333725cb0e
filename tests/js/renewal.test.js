import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quality, gradeOf } from '../../voipcrm/static/js/phone/quality.js';
import { Renewal } from '../../voipcrm/static/js/phone/renewal.js';

const HOUR = 3_600_000;

test('a token is renewed at 60 % of its life', () => {
  const renewal = new Renewal();
  renewal.renewed(3600, 1000);
  assert.equal(renewal.waitMs(1000), 0.6 * HOUR);
  assert.equal(renewal.isDue('timer', 1000 + 0.59 * HOUR), false);
  assert.equal(renewal.isDue('timer', 1000 + 0.6 * HOUR), true);
});

test('waking up or coming online renews an old token and leaves a young one', () => {
  const renewal = new Renewal();
  renewal.renewed(3600, 0);
  for (const why of ['awake', 'online']) {
    assert.equal(renewal.isDue(why, 60_000), false);
    assert.equal(renewal.isDue(why, HOUR * 2), true);
  }
});

test('a call is not disturbed by a renewal until it must be', () => {
  const renewal = new Renewal();
  renewal.renewed(3600, 0);
  assert.equal(renewal.isDue('timer', 0.7 * HOUR, { inCall: true }), false);
  assert.equal(renewal.isDue('timer', 0.9 * HOUR, { inCall: true }), true);
  assert.equal(renewal.isDue('expiring', 0.95 * HOUR, { inCall: true }), true);
});

test('a ttl shorter than the SDK’s warning does not make it spin', () => {
  const renewal = new Renewal();
  renewal.renewed(12, 0);
  assert.equal(renewal.isDue('expiring', 10), false);
  assert.equal(renewal.waitMs(12_000), 5000);
});

test('before the first token everything is due', () => {
  assert.equal(new Renewal().isDue('timer', 0), true);
});

test('quality is an average, a word, and silent without samples', () => {
  const quality = new Quality();
  assert.equal(quality.sample(undefined), null);
  assert.deepEqual(quality.sample(4.2), { bars: 4, word: 'Good' });
  for (let second = 0; second < 4; second += 1) quality.sample(4.2);
  assert.equal(quality.sample(1).word, 'Fair'); // one bad second of five
  for (let second = 0; second < 5; second += 1) quality.sample(1);
  assert.equal(quality.sample(null).word, 'Poor');
  assert.deepEqual(
    [4, 3.6, 3.1, 3].map((mos) => gradeOf(mos).bars),
    [4, 3, 2, 1],
  );
});
