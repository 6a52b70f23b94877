/** Small choices this browser remembers: language and site. Never anything that opens a door. */

/** What is remembered. */
export type Choice = 'language' | 'site';

/** Returns a remembered choice; a browser that forbids storage has none. */
export function recall(choice: Choice): string | null {
  try {
    return localStorage.getItem(`gatehouse.${choice}`);
  } catch {
    return null;
  }
}

/** Remembers a choice, where the browser lets us. */
export function remember(choice: Choice, value: string): void {
  try {
    localStorage.setItem(`gatehouse.${choice}`, value);
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
}
