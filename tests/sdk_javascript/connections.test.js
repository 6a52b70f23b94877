// The JavaScript SDK connects, is refused, goes on by new tokens, calls, batches, is told to leave.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, client, connected, eventually, read, token, unique, written } from './clients.js';

test('a token tells who connects', async (t) => {
  const user = unique();
  const [made, diary] = await connected(t, { user });
  assert.ok((await diary.next('connected')).client);
  assert.deepEqual(read((await made.rpc('who', written({}))).data), { user });
});

for (const [name, options, code] of [
  [
    'a token that another has signed',
    { token: token('7', { secret: 'another secret, also long enough' }) },
    3500,
  ],
  ['a token for a subscription', { token: token('7', { channel: 'a' }) }, 3500],
  ['no token', { token: '' }, 3501],
]) {
  test(`${name} is final`, async (t) => {
    const [made, diary] = client(t, options);
    made.connect();
    assert.equal((await diary.next('disconnected')).code, code);
  });
}

test('an expired token is replaced by a new one', async (t) => {
  const user = unique();
  let asked = 0;
  const getToken = async () => ((asked += 1), token(user, { exp: 60 }));
  const [made] = await connected(t, { token: token(user, { exp: -1 }), getToken });
  assert.equal(asked, 1);
  assert.deepEqual(read((await made.rpc('who', written({}))).data), { user });
});

test('a connection goes on by a new token before the old one ends', async (t) => {
  const user = unique();
  let asked = 0;
  const getToken = async () => token(user, { exp: ++asked < 2 ? 2 : 600 });
  const [, diary] = await connected(t, { token: token(user, { exp: 2 }), getToken });
  await eventually(() => asked === 2);
  assert.equal(diary.of('connecting').length, 1);
});

test('a connection that is said to have expired comes back', async (t) => {
  const user = unique();
  const [, diary] = await connected(t, { token: token(user), getToken: async () => token(user) });
  await api('refresh', { user, expired: true });
  assert.equal((await diary.next('connecting', 2)).code, 3005);
  await diary.next('connected', 2);
});

for (const [disconnect, code, again] of [
  [undefined, 3503, false],
  [{ code: 4501, reason: 'banned' }, 4501, false],
  [{ code: 4501, reason: '{"json": "as a reason"}' }, 4501, false],
  [{ code: 4001, reason: 'moved' }, 4001, true],
]) {
  test(`the back end ends a connection by ${JSON.stringify(disconnect)}`, async (t) => {
    const user = unique();
    const [, diary] = await connected(t, { user });
    await api('disconnect', { user, disconnect });
    if (again) {
      assert.equal((await diary.next('connecting', 2)).code, code);
      await diary.next('connected', 2);
    } else {
      assert.equal((await diary.next('disconnected')).code, code);
    }
  });
}

test('the application answers calls, in any order', async (t) => {
  const [made] = await connected(t);
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((n) => made.rpc('echo', written({ n, text: '日本' }))));
  assert.deepEqual(
    answers.map(({ data }) => read(data)),
    numbers.map((n) => ({ n, text: '日本' })),
  );
  await assert.rejects(made.rpc('refuse', written({})), { code: 409, message: 'taken' });
  await assert.rejects(made.rpc('nothing', written({})), { code: 104 });
});

test('what is sent without an answer is heard', async (t) => {
  const [made] = await connected(t);
  await made.send(written({ seen: true }));
  await eventually(async () => read((await made.rpc('heard', written({}))).data).length === 1);
  assert.deepEqual(read((await made.rpc('heard', written({}))).data), [{ seen: true }]);
});

test('several commands leave in one frame, and each is answered', async (t) => {
  const [made] = await connected(t);
  made.startBatching();
  const asked = [
    made.rpc('who', written({})),
    made.rpc('echo', written(1)),
    made.history(unique(), { limit: 1 }),
  ];
  made.stopBatching();
  const [who, echoed, refused] = await Promise.allSettled(asked);
  assert.ok(read(who.value.data).user);
  assert.equal(read(echoed.value.data), 1);
  assert.equal(refused.reason.code, 103);
});

test('what is subscribed before the connection stands goes with it', async (t) => {
  const [made] = client(t);
  const subscriptions = Array.from({ length: 30 }, () => made.newSubscription(unique()));
  for (const subscription of subscriptions) subscription.subscribe();
  made.connect();
  await Promise.all(subscriptions.map((subscription) => subscription.ready()));
});
