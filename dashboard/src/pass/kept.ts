/** A guest's pass as the page shows it, kept on the phone so that it is there without a signal. */
import { exchange } from '../session/exchange';
import { Problem } from '../session/problem';
import type { Live } from './live-code';

/** What the server tells whoever has the link. */
export interface Pass {
  readonly firstName: string;
  readonly siteName: string;
  readonly timeZone: string;
  readonly start: string;
  readonly end: string;
  readonly zoneNames: readonly string[];
  readonly entries: 'single' | 'many';
  readonly needsEscort: boolean;
  readonly state: string;
  readonly qrToken: string;
  readonly live: Live | null;
}

const KEY = 'gatehouse-pass';

/** Asks for the pass; a refusal forgets what was kept, an unreachable server does not. */
export async function fetchPass(token: string): Promise<Pass> {
  try {
    const pass = await exchange<Pass>({ method: 'POST', path: '/api/guest-page', body: { token } });
    write(token, pass);
    return pass;
  } catch (error) {
    if (error instanceof Problem && !error.passing) forget(token);
    throw error;
  }
}

/** Returns the pass as it was when it was last asked for, or null. */
export function keptPass(token: string): Pass | null {
  try {
    const text = localStorage.getItem(`${KEY}/${token}`);
    return text === null ? null : (JSON.parse(text) as Pass);
  } catch {
    return null;
  }
}

function write(token: string, pass: Pass): void {
  try {
    localStorage.setItem(`${KEY}/${token}`, JSON.stringify(pass));
  } catch {
    // A browser that keeps nothing shows the pass while it has a signal.
  }
}

function forget(token: string): void {
  try {
    localStorage.removeItem(`${KEY}/${token}`);
  } catch {
    // as above
  }
}
