import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Presence } from '../../voipcrm/static/js/phone/presence.js';

const phone = (status, more = {}) => ({ line: { status }, call: null, incoming: [], parked: [], ...more });

function slowServer() {
  const arrived = [];
  const waiting = [];
  const send = (state, options) => {
    if (options?.keepalive) arrived.push(state);
    else return new Promise((done) => waiting.push(() => (arrived.push(state), done())));
  };
  return { arrived, waiting, send, answer: async () => (waiting.shift()(), await new Promise(setImmediate)) };
}

test('two changes at once reach the server in their order', async () => {
  const server = slowServer();
  const presence = new Presence(server.send);
  presence.show(phone('connecting'));
  presence.show(phone('ready'));
  assert.equal(server.waiting.length, 1, 'the second waits for the first');
  await server.answer();
  await server.answer();
  assert.deepEqual(server.arrived, ['away', 'available']);
  presence.hush();
});

test('of changes that wait only the newest is sent', async () => {
  const server = slowServer();
  const presence = new Presence(server.send);
  presence.show(phone('connecting'));
  presence.show(phone('ready'));
  presence.show(phone('ready', { incoming: [{}] }));
  await server.answer();
  await server.answer();
  assert.deepEqual(server.arrived, ['away', 'busy']);
  presence.hush();
});

test('a page that goes away says so at once', () => {
  const server = slowServer();
  const presence = new Presence(server.send);
  presence.show(phone('ready'));
  presence.leave();
  assert.deepEqual(server.arrived, ['offline']);
});
