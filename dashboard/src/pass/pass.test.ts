import { describe, expect, it } from 'vitest';
import { tokenOf } from './address';
import { base45 } from './base45';
import { codeAt, shareOfStep, type Live } from './live-code';
import { pictureOf } from './picture';

// The example pass of docs/devices.md, in both of its texts.
const TOKEN =
  'AQEAAAAAAAAEEgAAAAEAAAADasNZAAAB4AGjFTrnhCtdg7yBpWapdBNkZ5limSKNWx_ylxn4SOtiuWB5kHgZCZy0jJ2MdC9oH24lRlX-7lei2gYgoExgWJMM';
const QR =
  'GH1:W500000000007N0000100000300GMDEBB100FESYRK4K7+VG: BH$N.+K0JLEK2G4D-KCPG4HNB3UUXC3$99SLC$8C*BIJ73L J.YH1YHV:5 /32W49*A+5UKQK%Y0-BK48COQI';
const NOW = 1_791_190_928_000;
const DAY = Math.floor(NOW / 86_400_000);
const LIVE: Live = {
  stepS: 30,
  secrets: [{ day: DAY, secret: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8' }],
};

describe('the address of a pass', () => {
  it.each([
    ['/app/pass/AbC-1_2', 'AbC-1_2'],
    ['/app/pass/AbC/', 'AbC'],
    ['/app/', null],
    ['/app/pass/', null],
    ['/app/pass/a/b', null],
  ])('%s', (path, token) => expect(tokenOf(path)).toBe(token));
});

describe('base45', () => {
  it.each([
    ['AB', 'BB8'],
    ['Hello!!', '%69 VD92EX0'],
    ['ietf!', 'QED8WEX0'],
  ])('writes %s as the RFC does', (text, written) =>
    expect(base45(new TextEncoder().encode(text))).toBe(written),
  );
});

describe('the code of a pass', () => {
  it('is the pass itself where nothing rotates', () => expect(codeAt(TOKEN, null, NOW)).toBe(QR));

  it('rotates with the step and stays within it', () => {
    const start = NOW - (NOW % 30_000);
    const codes = [0, 29_999, 30_000].map((ms) => codeAt(TOKEN, LIVE, start + ms));
    expect(codes[0]).toBe(codes[1]);
    expect(codes[0]).not.toBe(codes[2]);
    expect(codes[0]).toHaveLength(4 + 147);
  });

  it('is not shown on a day whose secret is not kept', () =>
    expect(codeAt(TOKEN, LIVE, NOW + 86_400_000)).toBeNull());

  it('tells how much of its step is over', () => {
    expect(shareOfStep(LIVE, 45_000)).toBe(0.5);
    expect(shareOfStep(LIVE, 60_000)).toBe(0);
  });

  it('is a picture of version 6 with its border', () => {
    expect(pictureOf(QR).size).toBe(41 + 8);
    expect(pictureOf(codeAt(TOKEN, LIVE, NOW) ?? '').size).toBe(41 + 8);
    expect(pictureOf(QR).path).toMatch(/^(M\d+ \d+h1v1h-1z)+$/);
  });
});
