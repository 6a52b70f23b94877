// The JavaScript SDK puts differences together, beside others that read everything whole.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { away, connected, follow, publish, unique } from './clients.js';

const PLACE = { gate: 'north', people: Array.from({ length: 50 }, (_, number) => number), state: 'online' };

test('differences are put together', async (t) => {
  const channel = unique('delta');
  const states = Array.from({ length: 6 }, (_, number) => ({ ...PLACE, state: `state ${number}` }));
  const [made] = await connected(t);
  const [subscription, diary] = await follow(made, channel, { delta: 'fossil' });
  await publish(channel, ...states.slice(0, 3));
  await diary.next('publication', 3);
  assert.equal(subscription.deltaStats().numDeltaPayloads, 2);
  await away(made, () => publish(channel, ...states.slice(3, 5)));
  await diary.next('publication', 5);
  await publish(channel, states[5]);
  await diary.next('publication', 6);
  assert.deepEqual(diary.data, states);
});

test('who does not ask for differences reads everything whole', async (t) => {
  const channel = unique('delta');
  const [made] = await connected(t);
  const [other] = await connected(t);
  await follow(other, channel, { delta: 'fossil' });
  const [subscription, diary] = await follow(made, channel);
  await publish(channel, PLACE, { ...PLACE, state: 'offline' });
  await diary.next('publication', 2);
  assert.equal(subscription.deltaStats().numDeltaPayloads, 0);
  assert.deepEqual(diary.data, [PLACE, { ...PLACE, state: 'offline' }]);
});
