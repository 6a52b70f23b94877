// The JavaScript SDK comes back and recovers, loads its state where it cannot, reads the latest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, away, connected, follow, publish, unique } from './clients.js';

test('a client that was away is given what it missed', async (t) => {
  const channel = unique();
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel);
  await publish(channel, 1);
  await diary.next('publication');
  await away(made, () => publish(channel, 2, 3, 4));
  const again = await diary.next('subscribed', 2);
  assert.ok(again.wasRecovering && again.recovered);
  await publish(channel, 5);
  await diary.next('publication', 5);
  assert.deepEqual(diary.data, [1, 2, 3, 4, 5]);
});

test('what history has forgotten is not recovered in part', async (t) => {
  const channel = unique('short');
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel);
  await away(made, () => publish(channel, 1, 2, 3));
  const again = await diary.next('subscribed', 2);
  assert.deepEqual([again.wasRecovering, again.recovered], [true, false]);
  assert.equal(again.streamPosition.offset, 3);
  assert.deepEqual(diary.data, []);
});

test('state is loaded anew only where it cannot be recovered', async (t) => {
  const channel = unique('short');
  const loaded = [];
  const getState = async () => {
    const { offset, epoch } = await api('history', { channel, limit: 0 });
    loaded.push(offset);
    return { offset, epoch };
  };
  await publish(channel, 1, 2, 3);
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel, { getState });
  assert.deepEqual(loaded, [3]);
  await away(made, () => publish(channel, 4, 5));
  await diary.next('subscribed', 2);
  await away(made, () => publish(channel, 6, 7, 8));
  await diary.next('subscribed', 3);
  assert.deepEqual(loaded, [3, 8]);
  assert.deepEqual(diary.data, [4, 5]);
});

test('a client that knows a position begins there', async (t) => {
  const channel = unique();
  await publish(channel, 1, 2, 3);
  const { epoch } = await api('history', { channel, limit: 0 });
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel, { since: { offset: 1, epoch } });
  await diary.next('publication', 2);
  assert.deepEqual(diary.data, [2, 3]);
});

for (const wish of ['recoverable', 'positioned']) {
  test(`where it is not forced, ${wish} is the client's wish`, async (t) => {
    const [made] = await connected(t);
    const told = async (options) => {
      const [, diary] = await follow(made, unique('wish'), options);
      const { recoverable, positioned } = await diary.next('subscribed');
      return [recoverable, positioned];
    };
    assert.deepEqual(await told({ [wish]: true }), [wish === 'recoverable', true]);
    assert.deepEqual(await told({}), [false, false]);
  });
}

test('a channel in cache mode gives the latest', async (t) => {
  const channel = unique('latest');
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel);
  await away(made, () => publish(channel, 1, 2, 3));
  assert.ok((await diary.next('subscribed', 2)).recovered);
  await diary.next('publication');
  assert.deepEqual(diary.data, [3]);
});

test('a personal channel is followed from the start and recovered', async (t) => {
  const user = unique();
  const channel = `#${user}`;
  const [made, diary] = await connected(t, { user });
  assert.equal((await diary.next('subscribed')).channel, channel);
  await publish(channel, 1);
  await diary.next('publication');
  await away(made, () => publish(channel, 2));
  assert.ok((await diary.next('subscribed', 2)).recovered);
  await diary.next('publication', 2);
  assert.deepEqual(diary.data, [1, 2]);
});

test('the back end subscribes and unsubscribes a client', async (t) => {
  const [user, channel] = [unique(), unique()];
  const [, diary] = await connected(t, { user });
  await api('subscribe', { user, channel });
  assert.equal((await diary.next('subscribed', 2)).channel, channel);
  await publish(channel, 'hello');
  assert.equal((await diary.next('publication')).channel, channel);
  await api('unsubscribe', { user, channel });
  assert.equal((await diary.next('unsubscribed')).channel, channel);
});
