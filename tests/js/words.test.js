import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialable, hasLetters, initials, length, timer, toneKeys } from '../../voipcrm/static/js/phone/words.js';

test('a length reads as people say it', () => {
  assert.deepEqual([0, 42, 59.6, 378, 3600, 3725].map(length), ['0:00', '0:42', '1:00', '6:18', '1:00:00', '1:02:05']);
  assert.equal(length(-3), '0:00');
});

test('a timer keeps its width and never shows a second that has not passed', () => {
  assert.deepEqual([0, 999, 277_000, 3_600_000].map(timer), ['00:00', '00:00', '04:37', '1:00:00']);
  assert.equal(timer(-5000), '00:00');
});

test('initials are the first and last word, and nothing for a number', () => {
  assert.deepEqual(
    ['Priya Raman', 'Harbor Freight Co', 'Öz', 'jean-luc picard', '+1 415 555', '', null].map(initials),
    ['PR', 'HC', 'Ö', 'JP', '', '', ''],
  );
});

test('what people paste becomes what can be dialled', () => {
  assert.equal(dialable('tel:+1-415-555-0142'), '+14155550142');
  assert.equal(dialable(' (415) 555 0142 '), '4155550142');
  assert.equal(dialable('+44 (0)20 7946 0000'), '+442079460000');
  assert.equal(dialable('+1 415 555 0142 ext. 7'), '+14155550142');
  assert.equal(dialable('415-555-0142 x7'), '4155550142');
  assert.equal(dialable('+14155550142;ext=7'), '+14155550142');
  assert.equal(dialable('+１４１５５５５０１４２'), '+14155550142'); // full-width digits
  assert.equal(dialable('*31#'), '*31#');
  assert.equal(dialable('4+15'), '415'); // + only counts in front
  assert.equal(dialable('hello'), '');
});

test('letters are noticed, but for those that a link and an extension bring along', () => {
  for (const text of ['abc', '1-800-FLOWERS', '+1 415 555 0142 mobile', 'звонок 5']) assert.ok(hasLetters(text), text);
  for (const text of ['tel:+14155550142', '415-555-0142 x7', '4155550142 ext. 7', '*31#', '', null])
    assert.ok(!hasLetters(text), text);
});

test('only keys of a telephone go into a call', () => {
  assert.equal(toneKeys('1a2W#*-'), '12w#*');
});
