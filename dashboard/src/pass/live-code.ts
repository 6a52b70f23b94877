/** What a phone shows of a pass: its bytes, and beside them a code that changes with the step of time. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base45 } from './base45';

/** A pass that shows a rotating code: a secret for each day (UTC) of its time. */
export interface Live {
  readonly stepS: number;
  readonly secrets: readonly { readonly day: number; readonly secret: string }[];
}

const PREFIX = 'GH1:';
const DAY_S = 86_400;

/** Returns the text of the QR code at a moment (Unix milliseconds), or null on a day whose secret is not kept. */
export function codeAt(qrToken: string, live: Live | null, nowMs: number): string | null {
  const pass = bytesOf(qrToken);
  if (live === null) return PREFIX + base45(pass);
  const step = Math.floor(nowMs / 1000 / live.stepS);
  const day = Math.floor((step * live.stepS) / DAY_S);
  const kept = live.secrets.find((one) => one.day === day);
  if (kept === undefined) return null;
  const number = bigEndian(step);
  const code = hmac(sha256, bytesOf(kept.secret), number).slice(0, 4);
  return PREFIX + base45(new Uint8Array([...pass, ...number, ...code]));
}

/** Returns the share of the running step that is over, from 0 to 1. */
export function shareOfStep(live: Live, nowMs: number): number {
  const step = live.stepS * 1000;
  return (nowMs % step) / step;
}

function bytesOf(base64url: string): Uint8Array {
  const letters = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
