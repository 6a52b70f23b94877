// The JavaScript SDK follows channels: by token or right, seeing others, until it or the server ends it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Diary,
  api,
  connected,
  eventually,
  follow,
  publish,
  read,
  token,
  unique,
  written,
} from './clients.js';

test('what one publishes others read with the publisher named', async (t) => {
  const [channel, user] = [unique(), unique()];
  const [writer] = await connected(t, { user });
  const [reader] = await connected(t);
  const [mine] = await follow(writer, channel);
  const [, diary] = await follow(reader, channel);
  await mine.publish(written({ n: 1 }));
  const publication = await diary.next('publication');
  assert.deepEqual(read(publication.data), { n: 1 });
  assert.deepEqual([publication.offset, publication.info.user], [1, user]);
});

test('tags come with a publication', async (t) => {
  const channel = unique();
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel);
  await api('publish', { channel, data: 1, tags: { lang: 'en' } });
  assert.deepEqual({ ...(await diary.next('publication')).tags }, { lang: 'en' });
});

test('history is read back in both directions', async (t) => {
  const channel = unique();
  const [made] = await connected(t);
  const [subscription] = await follow(made, channel);
  await publish(channel, 1, 2, 3, 4);
  const position = await subscription.history({ limit: 0 });
  assert.deepEqual([position.offset, position.publications.length], [4, 0]);
  const payloads = async (options) =>
    (await subscription.history(options)).publications.map((p) => read(p.data));
  assert.deepEqual(await payloads({ limit: -1 }), [1, 2, 3, 4]);
  assert.deepEqual(await payloads({ limit: 2, reverse: true }), [4, 3]);
  assert.deepEqual(await payloads({ limit: 2, since: { offset: 1, epoch: position.epoch } }), [2, 3]);
  await assert.rejects(payloads({ limit: 2, since: { offset: 1, epoch: 'another' } }), { code: 112 });
});

test('presence and stats tell who is there', async (t) => {
  const [channel, user] = [unique(), unique()];
  const [one, diary] = await connected(t, { user });
  const [other] = await connected(t, { user });
  const [subscription] = await follow(one, channel);
  await follow(other, channel);
  const { clients } = await subscription.presence();
  assert.equal(Object.keys(clients).length, 2);
  assert.equal(clients[(await diary.next('connected')).client].user, user);
  const stats = await subscription.presenceStats();
  assert.deepEqual([stats.numClients, stats.numUsers], [2, 1]);
});

test('joining and leaving is told', async (t) => {
  const [channel, user] = [unique(), unique()];
  const [made] = await connected(t);
  const [, diary] = await follow(made, channel);
  const [other] = await connected(t, { user });
  await follow(other, channel);
  await eventually(() => diary.of('join').some((context) => context.info.user === user));
  other.disconnect();
  assert.equal((await diary.next('leave')).info.user, user);
});

test('a private channel is opened by a token', async (t) => {
  const [channel, user] = [`$${unique()}`, unique()];
  const [made] = await connected(t, { user });
  const getToken = async ({ channel }) => token(user, { channel, info: { seat: 7 } });
  const [subscription] = await follow(made, channel, { getToken });
  const [info] = Object.values((await subscription.presence()).clients);
  assert.deepEqual(read(info.chanInfo), { seat: 7 });
});

for (const [channel, code] of [
  ['$private', 103],
  ['closed:a', 103],
  ['nowhere:a', 102],
  ['#somebody-else', 103],
]) {
  test(`who may not follow ${channel} is told for good`, async (t) => {
    const [made] = await connected(t);
    const subscription = made.newSubscription(channel);
    const diary = new Diary(subscription);
    subscription.subscribe();
    assert.equal((await diary.next('unsubscribed')).code, code);
  });
}

test('a token for another channel ends the connection', async (t) => {
  const user = unique();
  const [made, diary] = await connected(t, { user });
  made.newSubscription('$this', { token: token(user, { channel: '$other' }) }).subscribe();
  assert.equal((await diary.next('disconnected')).code, 3500);
});

test('an expired token is replaced and later renewed', async (t) => {
  const [channel, user] = [`$${unique()}`, unique()];
  let asked = 0;
  const getToken = async () => token(user, { channel, exp: ++asked < 2 ? 2 : 600 });
  const [made] = await connected(t, { user });
  const [, diary] = await follow(made, channel, { token: token(user, { channel, exp: -1 }), getToken });
  await eventually(() => asked === 2);
  assert.deepEqual(diary.of('unsubscribed'), []);
});

test('the client ends a subscription and begins it again', async (t) => {
  const channel = unique('plain');
  const [made] = await connected(t);
  const [subscription, diary] = await follow(made, channel);
  subscription.unsubscribe();
  await made.rpc('who', written({}));
  await publish(channel, 'nobody reads this');
  subscription.subscribe();
  await diary.next('subscribed', 2);
  await publish(channel, 'read');
  await diary.next('publication');
  assert.deepEqual(diary.data, ['read']);
});

test('the back end ends a subscription for good', async (t) => {
  const [channel, user] = [unique(), unique()];
  const [made] = await connected(t, { user });
  const [, diary] = await follow(made, channel);
  await api('unsubscribe', { user, channel });
  assert.equal((await diary.next('unsubscribed')).code, 2000);
});

test('what a namespace does not offer is not available', async (t) => {
  const [made] = await connected(t);
  const [subscription] = await follow(made, unique('plain'));
  for (const asking of [
    subscription.history({ limit: 1 }),
    subscription.presence(),
    subscription.presenceStats(),
  ]) {
    await assert.rejects(asking, { code: 108 });
  }
});

test('map subscriptions and shared polls are refused', async (t) => {
  const [made] = await connected(t);
  const subscription = made.newMapSubscription(unique());
  const diary = new Diary(subscription);
  subscription.subscribe();
  assert.equal((await diary.next('unsubscribed')).code, 108);
});
