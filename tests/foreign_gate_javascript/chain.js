/** What the documentation says about hashes and signatures, and nothing of ours. */
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';

export const GENESIS = '0'.repeat(64);
const NOT_COVERED = new Set(['ph', 'h', 'p', 'ps']);

/** Returns a value as JSON with sorted keys and no white space. */
export function sorted(value) {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${sorted(value[name])}`).join(',')}}`;
}

/** Returns the canonical form of an event. */
export function canonical(event) {
  const form = {};
  for (const [name, value] of Object.entries(event)) {
    const empty = value === null || value === undefined || (typeof value === 'object' && !Object.keys(value).length);
    if (!NOT_COVERED.has(name) && !empty) form[name] = value;
  }
  if (event.p !== undefined && event.p !== null) {
    form.pd = createHash('sha256').update(Buffer.from(event.ps, 'hex')).update(String(event.p)).digest('hex');
  }
  return sorted(form);
}

/** Returns the event with the hashes that seal it to the one before. */
export function sealed(event, previous) {
  const salted = event.p === undefined ? event : { ps: randomBytes(16).toString('hex'), ...event };
  return { ...salted, ph: previous, h: hashed(salted, previous) };
}

/** Returns the hash of an event after the one before. */
export function hashed(event, previous) {
  return createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonical(event)).digest('hex');
}

/** Tells whether the holder of one of the keys said this to this gate. */
export function isSigned(purpose, site, gate, message, keys) {
  const key = keys[String(message.k)];
  if (!key) return false;
  const { sig, ...members } = message;
  const covered = Buffer.from(`gatehouse ${purpose} v1\0${site}/${gate}\0${sorted(members)}`);
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  return verify(null, covered, publicKey, Buffer.from(String(sig), 'base64url'));
}
