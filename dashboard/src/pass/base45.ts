/** Base45 (RFC 9285): bytes in the letters that a QR code packs tightest. */

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

/** Returns bytes as base45. */
export function base45(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const low = bytes[at + 1];
    text += low === undefined ? digits(bytes[at]!, 2) : digits(bytes[at]! * 256 + low, 3);
  }
  return text;
}

function digits(value: number, count: number): string {
  let rest = value;
  let text = '';
  for (let digit = 0; digit < count; digit += 1) {
    text += LETTERS[rest % 45];
    rest = Math.floor(rest / 45);
  }
  return text;
}
