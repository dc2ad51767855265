// Keys that work wherever no text is being typed. The help page shows this very table.

import { dialog, toggleTheme } from "./look.ts";
import { movePeriod } from "./period.ts";
import { edit } from "./ticket.ts";
import { goTo } from "./venue.ts";

interface Shortcut {
  keys: string;
  does: string;
  run?(key: string): void;
}

function focusOn(id: string): void {
  const element = document.getElementById(id);
  element?.focus();
  if (element instanceof HTMLInputElement) element.select();
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: "/", does: "choose a market", run: () => void (dialog.value = "symbols") },
  { keys: "b s", does: "buy, sell: to the ticket's quantity", run: (key) => { edit({ side: key === "b" ? "buy" : "sell" }); focusOn("ticket-quantity"); } },
  { keys: "l m", does: "limit or market order", run: (key) => edit({ type: key === "l" ? "limit" : "market" }) },
  { keys: "p", does: "to the ticket's price", run: () => focusOn("ticket-price") },
  { keys: "d", does: "to the ladder: arrows, then Enter or Shift Enter", run: () => document.querySelector<HTMLElement>(".ladder")?.focus() },
  { keys: "Enter", does: "in the ticket: place the order" },
  { keys: "↑ ↓", does: "in price and quantity: one step, with Shift ten" },
  { keys: "x", does: "to “cancel all” (press Enter twice)", run: () => focusOn("cancel-all") },
  { keys: "[ ]", does: "shorter, longer candles", run: (key) => movePeriod(key === "[" ? -1 : 1) },
  { keys: "1 2 3", does: "trade, events, system", run: (key) => goTo(key === "1" ? "trade" : key === "2" ? "events" : "system") },
  { keys: "t", does: "dark or light", run: toggleTheme },
  { keys: "?", does: "this help", run: () => void (dialog.value = "help") },
  { keys: "Esc", does: "out of a field or a dialog" },
];

const byKey = new Map(SHORTCUTS.flatMap((shortcut) => (shortcut.run ? shortcut.keys.split(" ").map((key) => [key, shortcut.run!] as const) : [])));

export function startKeys(): void {
  addEventListener("keydown", (event) => {
    const at = event.target;
    const isTyping = at instanceof HTMLInputElement || at instanceof HTMLSelectElement || at instanceof HTMLTextAreaElement;
    if (event.key === "Escape" && isTyping) at.blur();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
    const run = byKey.get(event.key);
    if (run === undefined) return;
    event.preventDefault();
    run(event.key);
  });
}
