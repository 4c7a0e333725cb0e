import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tabs } from '../../voipcrm/static/js/phone/tabs.js';

/** Web Locks as the standard has them, exclusive mode only: a queue for each name, abort, steal. */
class Locks {
  #held = null;
  #queue = [];

  request(name, { signal, steal }, work) {
    return new Promise((resolve, reject) => {
      const wish = { work, resolve, reject };
      signal?.addEventListener('abort', () => {
        const at = this.#queue.indexOf(wish);
        if (at < 0) return;
        this.#queue.splice(at, 1);
        reject(new DOMException('left', 'AbortError'));
      });
      if (steal) {
        this.#held?.reject(new DOMException('stolen', 'AbortError'));
        this.#held = null;
        this.#queue.unshift(wish);
      } else this.#queue.push(wish);
      this.#next();
    });
  }

  get waiting() {
    return this.#queue.length;
  }

  #next() {
    if (this.#held || !this.#queue.length) return;
    const wish = this.#queue.shift();
    this.#held = wish;
    Promise.resolve(wish.work({})).then((value) => {
      if (this.#held !== wish) return;
      wish.resolve(value);
      this.#held = null;
      this.#next();
    });
  }

  /** The browser takes everything from a tab that closes. */
  close() {
    this.#held = null;
    this.#next();
  }
}

/** Tabs of one browser; messages arrive a little later, as copies, and never at their sender. */
function browser() {
  const locks = new Locks();
  const channels = new Set();
  return {
    locks,
    tab({ line = 'ready', busy = false } = {}) {
      const tab = { roles: [], commands: [], snapshots: [], busy, deaf: false };
      const channel = {
        onmessage: null,
        deaf: () => tab.deaf,
        postMessage(data) {
          const copy = structuredClone(data);
          for (const other of channels)
            if (other !== channel)
              setTimeout(() => channels.has(other) && !other.deaf() && other.onmessage({ data: copy }), 1);
        },
      };
      channels.add(channel);
      tab.tabs = new Tabs(
        1,
        {
          role: (role) => tab.roles.push(role),
          snapshot: (snapshot) => tab.snapshots.push(snapshot),
          command: (command) => tab.commands.push(command),
          mayYield: () => !tab.busy,
          current: () => ({ line: { status: line } }),
        },
        { locks, channel },
      );
      tab.close = () => {
        channels.delete(channel);
        if (tab.tabs.role === 'owner') locks.close();
      };
      return tab;
    },
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 15));
const READY = { line: { status: 'ready' } };

async function pair() {
  const at = browser();
  const [first, second] = [at.tab(), at.tab()];
  first.tabs.claim();
  first.tabs.publish(READY);
  await settle();
  return { ...at, first, second };
}

test('the first tab owns the phone and the second follows it', async () => {
  const { first, second } = await pair();
  assert.deepEqual([first.tabs.role, second.tabs.role], ['owner', 'follower']);
  assert.deepEqual(second.snapshots.at(-1), READY);
});

test('a tab that opens later is told by its greeting', async () => {
  const at = await pair();
  const third = at.tab();
  third.tabs.greet();
  await settle();
  assert.equal(third.tabs.role, 'follower');
});

test('commands of a follower run in the owner only', async () => {
  const { first, second } = await pair();
  second.tabs.send({ do: 'mute' });
  await settle();
  assert.deepEqual([first.commands, second.commands], [[{ do: 'mute' }], []]);
  first.tabs.send({ do: 'end' });
  assert.deepEqual(first.commands.at(-1), { do: 'end' });
});

test('closing the owner promotes the next tab', async () => {
  const { first, second } = await pair();
  first.close();
  await settle();
  assert.equal(second.tabs.role, 'owner');
});

test('the phone can be taken while idle, and the old owner follows', async () => {
  const { first, second, locks } = await pair();
  assert.equal(await second.tabs.takeOver(), 'ok');
  await settle();
  assert.deepEqual([first.tabs.role, second.tabs.role, locks.waiting], ['follower', 'owner', 1]);
  assert.deepEqual(first.snapshots.at(-1), READY);
});

test('it can’t be taken during a call', async () => {
  const { first, second } = await pair();
  first.busy = true;
  assert.equal(await second.tabs.takeOver(), 'refused');
  await settle();
  assert.deepEqual([first.tabs.role, second.tabs.role], ['owner', 'follower']);
});

test('a frozen owner that does not answer loses the phone', async () => {
  const { first, second } = await pair();
  first.deaf = true;
  assert.equal(await second.tabs.takeOver(), 'ok');
  await settle();
  assert.equal(second.tabs.role, 'owner');
});

test('switching off in the owner switches every tab off, and nobody is promoted', async () => {
  const { first, second, locks } = await pair();
  first.tabs.release();
  await settle();
  assert.equal(first.tabs.role, 'idle');
  if (second.tabs.role === 'owner') second.tabs.release(); // it had the lock before the word came; main.js lets go at once
  await settle();
  assert.deepEqual([second.tabs.role, locks.waiting], ['idle', 0]);
});

test('a tab whose phone is off runs its own commands', () => {
  const { first } = { first: browser().tab() };
  first.tabs.send({ do: 'dial' });
  assert.deepEqual(first.commands, [{ do: 'dial' }]);
});
