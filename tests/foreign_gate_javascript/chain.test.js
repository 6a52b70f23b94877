/** The examples of docs/devices.md, with nothing but Node. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GENESIS, canonical, hashed, isSigned, sorted } from './chain.js';

const text = readFileSync(new URL('../../docs/devices.md', import.meta.url), 'utf8');
const fences = [...text.matchAll(/^( *)```(\w+) (\S+)\n([\s\S]*?)^ *```$/gm)];

function examples(language, about) {
  return fences.filter(([, , spoken, what]) => spoken === language && what === about).map(([, , , , body]) => body);
}

const events = [...examples('json', 'up/evt').map(JSON.parse), ...examples('json', 'up/batch').flatMap((one) => JSON.parse(one).ev)];

test('the canonical forms are those of the page', () => {
  assert.deepEqual(
    examples('text', 'canonical').map((form) => form.trim()),
    events.slice(0, 2).map(canonical),
  );
});

test('the events are a chain', () => {
  assert.ok(events.length > 2);
  let previous = GENESIS;
  for (const event of events) {
    assert.equal(event.ph, previous);
    assert.equal(hashed(event, previous), event.h);
    previous = event.h;
  }
});

test('the orders are signed, to this gate and with these members', () => {
  const keys = { 1: 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg' };
  for (const [purpose, leg] of [
    ['desired', 'dn/desired'],
    ['command', 'dn/cmd'],
  ]) {
    const told = examples('json', leg).map(JSON.parse);
    assert.ok(told.length);
    for (const order of told) {
      assert.ok(isSigned(purpose, 1, 3, order, keys));
      assert.ok(!isSigned(purpose, 1, 4, order, keys));
      assert.ok(!isSigned(purpose, 1, 3, { ...order, why: 'another' }, keys));
      assert.ok(!isSigned(purpose, 1, 3, { ...order, k: 2 }, keys));
    }
  }
});

test('members are sorted at every depth', () => {
  assert.equal(sorted({ b: 1, a: { d: [true], c: 'ё"' } }), '{"a":{"c":"ё\\"","d":[true]},"b":1}');
});
