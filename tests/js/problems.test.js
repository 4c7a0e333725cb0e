import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { browserOf, microphoneProblem, problemOf, warningOf } from '../../voipcrm/static/js/phone/problems.js';

const GENERIC = problemOf(99999).message;
/** Every code that the vendored SDK can throw, read from the file that browsers get. */
const sdk = readFileSync(
  new URL('../../voipcrm/static/vendor/twilio-voice-sdk-2.18.5/twilio.min.js', import.meta.url),
  'utf8',
);
const codes = [...new Set([...sdk.matchAll(/\.code=(\d{5})\b/g)].map(([, code]) => Number(code)))];

test('the SDK has the codes that this test believes it has', () => {
  assert.ok(codes.length >= 35, `${codes.length} codes found`);
  for (const code of [20101, 20104, 31005, 31205, 31401, 31486, 53405]) assert.ok(codes.includes(code), `${code}`);
});

for (const code of [...codes, 31208]) {
  test(`code ${code} has a sentence of its own`, () => {
    const { message, remedy, kind } = problemOf(code, 'chrome');
    assert.notEqual(message, GENERIC);
    assert.match(message, /^[A-Z].*\.$/);
    assert.equal(typeof remedy, 'string');
    assert.ok(['token', 'network', 'microphone', 'admin', 'call'].includes(kind));
  });
}

test('an unknown code still says something and keeps its number', () => {
  assert.deepEqual([problemOf(99999).code, problemOf(99999).kind], [99999, 'call']);
});

test('a denied microphone is explained for the browser at hand', () => {
  const remedies = ['chrome', 'edge', 'firefox', 'safari', 'other'].map(
    (browser) => microphoneProblem('NotAllowedError', browser).remedy,
  );
  assert.equal(new Set(remedies).size, 5);
  assert.equal(problemOf(31401, 'firefox').remedy, remedies[2]);
  assert.equal(problemOf(31208, 'firefox').remedy, remedies[2]); // its number in SDK 1.x
  assert.notEqual(microphoneProblem('NotFoundError').message, microphoneProblem('NotAllowedError').message);
  assert.notEqual(microphoneProblem('NotReadableError').message, microphoneProblem('NotFoundError').message);
});

test('browsers are told apart although each claims to be another', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36';
  assert.equal(browserOf(chrome), 'chrome');
  assert.equal(browserOf(`${chrome} Edg/150.0`), 'edge');
  assert.equal(browserOf('Mozilla/5.0 (Macintosh) AppleWebKit/605.1 Version/19.0 Safari/605.1'), 'safari');
  assert.equal(browserOf('Mozilla/5.0 (X11) Gecko/20100101 Firefox/150.0'), 'firefox');
  assert.equal(browserOf(chrome.replace('Chrome', 'HeadlessChrome')), 'chrome');
  assert.equal(browserOf('curl/8'), 'other');
});

test('every warning of the SDK that a person can act on has words', () => {
  const names = [
    'high-rtt',
    'high-jitter',
    'low-mos',
    'high-packet-loss',
    'high-packets-lost-fraction',
    'low-bytes-received',
    'low-bytes-sent',
    'constant-audio-input-level',
    'ice-connectivity-lost',
  ];
  for (const name of names) assert.match(warningOf(name), /\.$/, name);
  assert.equal(warningOf('something-new'), null);
});
