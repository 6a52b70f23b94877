/** The address of a guest's pass, as letters have it. */

/** Returns the token of a pass that an address leads to, or null for any other page. */
export function tokenOf(path: string): string | null {
  return /\/pass\/([\w.~-]{1,64})\/?$/.exec(path)?.[1] ?? null;
}
