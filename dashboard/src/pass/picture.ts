/** A QR code as one path, so that the page draws it without markup from anywhere. */
import encodeQR from 'qr';

/** A square of `size` modules; `path` fills the dark ones. */
export interface Picture {
  readonly size: number;
  readonly path: string;
}

/** Readers rely on four modules of white around a code. */
const BORDER = 4;

/** Returns the picture of a text of the alphanumeric set, at the level that survives a scratched phone. */
export function pictureOf(text: string): Picture {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', encoding: 'alphanumeric', border: BORDER });
  const dark = rows.flatMap((row, y) => row.flatMap((is, x) => (is ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { size: rows.length, path: dark.join('') };
}
