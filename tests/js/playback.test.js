import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, nextSpeed } from '../../voipcrm/static/js/elements/playback.js';

test('lengths read as on a phone', () => {
  assert.deepEqual([0, 9.9, 378, 3723, NaN, -1].map(clock), ['0:00', '0:09', '6:18', '1:02:03', '0:00', '0:00']);
});

test('the speeds go round, and an unknown one begins anew', () => {
  assert.deepEqual([1, 1.25, 1.5, 2, 7].map(nextSpeed), [1.25, 1.5, 2, 1, 1]);
});
