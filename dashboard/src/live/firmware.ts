/** Which firmware is older than the one that most gates have. */

/** Returns the firmware that most of the gates have; of two that as many have, the newer one. */
export function usualFirmware(versions: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const version of versions) {
    if (version) counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  const ranked = [...counts].sort(
    ([one, oneCount], [other, otherCount]) => otherCount - oneCount || compare(other, one),
  );
  return ranked[0]?.[0] ?? null;
}

/** Returns whether a firmware is older than another. */
export function isOlder(version: string | null, than: string | null): boolean {
  return Boolean(version && than) && compare(version ?? '', than ?? '') < 0;
}

/** Compares number by number, so that 1.10 is newer than 1.9; words between them as words. */
function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
