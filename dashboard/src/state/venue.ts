// What is traded here, who is looking, and at what.

import { computed, signal } from "@preact/signals";
import { api, type Me } from "../api/rest.ts";
import type { Instrument } from "../api/schema.ts";
import { scaleOf } from "../market/decimal.ts";

export type Page = "trade" | "events" | "system";

export const instruments = signal<Instrument[]>([]);
export const me = signal<Me | null>(null);
export const accounts = signal<string[]>([]);
export const account = signal<string | null>(null);
export const page = signal<Page>("trade");
export const symbol = signal<string | null>(null);
/** Why the venue is not shown yet. */
export const venueProblem = signal<string | null>(null);

export const instrument = computed(() => instruments.value.find((known) => known.symbol === symbol.value) ?? null);
export const priceScale = computed(() => scaleOf(instrument.value?.tick_size ?? "1"));
export const quantityScale = computed(() => scaleOf(instrument.value?.lot_size ?? "1"));
/** Nothing can be chosen before; the connection stands earlier. */
export const isVenueKnown = computed(() => me.value !== null);
export const isAdmin = computed(() => me.value?.roles.includes("admin") ?? false);
export const mayTrade = computed(() => isAdmin.value || (me.value?.roles.includes("trade") ?? false));

const ACCOUNT_KEY = "aeromatch.account";

export function chooseAccount(name: string): void {
  account.value = name;
  sessionStorage.setItem(ACCOUNT_KEY, name);
}

/** Asks who we are and what there is; called whenever a connection stands. */
export async function loadVenue(): Promise<void> {
  const known = await api.me();
  const listed = await api.instruments();
  const names = known.account !== null ? [known.account] : (await api.accounts()).map((entry) => entry.account);
  me.value = known;
  instruments.value = listed;
  accounts.value = names;
  if (account.value === null || !names.includes(account.value)) {
    const remembered = sessionStorage.getItem(ACCOUNT_KEY);
    account.value = remembered !== null && names.includes(remembered) ? remembered : (traderAmong(names) ?? null);
  }
  if (symbol.value === null || !listed.some((entry) => entry.symbol === symbol.value)) {
    symbol.value = listed.find((entry) => entry.event === null)?.symbol ?? listed[0]?.symbol ?? null;
  }
  venueProblem.value = null;
}

/** The account to begin with: the first that does not collect fees. */
function traderAmong(names: string[]): string | undefined {
  const collectors = new Set(instruments.value.map((known) => known.fee_account));
  return names.find((name) => !collectors.has(name)) ?? names[0];
}

/** Reads page and instrument from the address: #/trade/BTC-USD, #/events, #/system. */
export function readAddress(): void {
  const [, where = "", what] = location.hash.split("/");
  page.value = where === "events" || where === "system" ? where : "trade";
  if (page.value === "trade" && what !== undefined && what !== "") symbol.value = decoded(what);
}

/** A part of the address, which anybody may have typed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function goTo(target: Page, market: string | null = symbol.value): void {
  const address = target === "trade" && market !== null ? `#/trade/${encodeURIComponent(market)}` : `#/${target}`;
  if (location.hash !== address) location.hash = address;
  else readAddress();
}
