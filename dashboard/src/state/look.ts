// Dark or light, and what is open over the page.

import { signal } from "@preact/signals";

export type Theme = "dark" | "light";

const KEY = "aeromatch.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "dark" || stored === "light" ? stored : null;
  } catch {
    return null;
  }
}

export const theme = signal<Theme>(chosen() ?? (dark.matches ? "dark" : "light"));
export const dialog = signal<"help" | "symbols" | "token" | null>(null);

export function startLook(): void {
  dark.addEventListener("change", () => {
    if (chosen() === null) theme.value = dark.matches ? "dark" : "light";
  });
  theme.subscribe((now) => (document.documentElement.dataset["theme"] = now));
}

export function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // It holds until the page is left.
  }
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
