// Bytes that are no JSON: readers of Protobuf are given them, readers of JSON are closed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, connected, follow, unique } from './clients.js';

const BYTES = new Uint8Array([0xff, 0x00, 0x7b]);

test('bytes that are no JSON', async (t) => {
  const channel = unique('plain');
  const [made, connection] = await connected(t);
  const [, diary] = await follow(made, channel);
  await api('publish', { channel, b64data: Buffer.from(BYTES).toString('base64') });
  if (process.env.CODEC === 'protobuf') {
    assert.deepEqual(new Uint8Array((await diary.next('publication')).data), BYTES);
  } else {
    assert.equal((await connection.next('disconnected')).code, 3506);
  }
});
