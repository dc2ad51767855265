// The token that this tab uses, where the server asks for one. It lives as long as the tab and goes nowhere else.

import { signal } from "@preact/signals";

const KEY = "aeromatch.token";

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // A browser that refuses storage: the token lives in memory alone.
  }
}

/** "<key id>.<secret>", or null. */
export const token = signal<string | null>(stored());

/** Whether the server refused what this tab brought, so that the page asks for a token. */
export const tokenWanted = signal(false);
/** What was wrong with the last token; null where there was none. */
export const tokenProblem = signal<string | null>(null);

export function tokenRefused(detail: string): void {
  tokenProblem.value = token.value === null ? null : detail;
  tokenWanted.value = true;
}

export function useToken(text: string | null): void {
  token.value = text;
  tokenWanted.value = false;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // As above.
  }
}
