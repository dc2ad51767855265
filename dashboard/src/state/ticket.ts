// The order ticket's contents, which ladder and keys fill too, and placing it.

import { computed, signal } from "@preact/signals";
import { api, ProblemError } from "../api/rest.ts";
import type { Problem, Side } from "../api/schema.ts";
import { ceilTo, fixed, shortTextOf, unitsOf } from "../market/decimal.ts";
import { boundsFor, checkTicket, EMPTY_TICKET, newOrderId, timesFor, type Field, type FieldErrors, type Ticket } from "../market/ticket.ts";
import { notify, scalesOf, tookPlace } from "./account.ts";
import { book } from "./market.ts";
import { account, instrument, priceScale } from "./venue.ts";

export const ticket = signal<Ticket>(EMPTY_TICKET);
/** The fields that were left or sent: only these show what is wrong with them. */
export const touched = signal<ReadonlySet<Field>>(new Set());
export const placing = signal(false);
/** What came of the last attempt, shown below the button until something is changed. */
export const refusal = signal<Problem | null>(null);

const checked = computed(() =>
  instrument.value === null ? null : checkTicket(ticket.value, instrument.value, Date.now()),
);

export const errors = computed<FieldErrors>(() => {
  const all = checked.value?.errors ?? {};
  return Object.fromEntries(Object.entries(all).filter(([field]) => touched.value.has(field as Field)));
});

export function edit(change: Partial<Ticket>): void {
  ticket.value = fitting({ ...ticket.value, ...change });
  refusal.value = null;
}

/** What one choice leaves of another: times in force by type, bounds by side. A bound that is needed is suggested. */
function fitting(next: Ticket): Ticket {
  const known = instrument.value;
  if (known === null) return next;
  const fitted = { ...next };
  if (!timesFor(next.type).includes(next.time_in_force)) fitted.time_in_force = "gtc";
  const bounds = boundsFor(next.side, known);
  if (next.type === "market" && !bounds.includes(next.bound)) {
    fitted.bound = bounds[0]!;
    fitted.bound_value = fitted.bound === "none" ? "" : suggestedWorst();
  }
  return fitted;
}

/** One per cent above the best ask, on the grid; nothing where there is none. */
function suggestedWorst(): string {
  const ask = book.value.levels?.asks[0];
  if (ask === undefined || instrument.value === null) return "";
  const tick = unitsOf(instrument.value.tick_size, priceScale.value);
  return shortTextOf(ceilTo(ask.price + ask.price / 100n, tick), priceScale.value);
}

export function touch(field: Field): void {
  if (!touched.value.has(field)) touched.value = new Set([...touched.value, field]);
}

/** Takes a price (and a quantity) from the book, for a side where one is meant. */
export function fillTicket(price: string, more: { quantity?: string; side?: Side } = {}): void {
  edit({ ...(ticket.value.type === "market" ? { type: "limit" as const } : {}), price, ...more });
}

/** Sends the ticket. What is wrong with it is shown beside its fields, what the server refuses below them. */
export async function place(): Promise<void> {
  const result = checkTicket(ticket.value, instrument.value!, Date.now());
  touched.value = new Set(Object.keys(ticket.value) as Field[]);
  if (result.order === null || placing.value) return;
  placing.value = true;
  refusal.value = null;
  try {
    const order = await api.place({
      ...result.order,
      client_order_id: newOrderId(),
      ...(account.value === null ? {} : { account: account.value }),
    });
    tookPlace(order);
    const scales = scalesOf(order.symbol);
    const quantity = fixed(order.quantity, scales.quantity);
    if (order.status === "canceled") {
      notify("bad", `Canceled: ${words(order.reason ?? "nothing to trade with")}`);
    } else if (order.fills.length === 0) {
      notify("done", `Placed: ${order.side} ${quantity} ${order.symbol}${order.price === null ? "" : ` at ${fixed(order.price, scales.price)}`}`);
    }
    touched.value = new Set();
  } catch (error) {
    refusal.value = problemOf(error);
  } finally {
    placing.value = false;
  }
}

/** Any failure as the problem that is shown for it. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { type: "about:blank", title: "Not done", status: 0, slug: "unreachable", detail };
}

/** A slug as words: "post_only_would_take" is "post only would take". */
export function words(slug: string): string {
  return slug.replaceAll("_", " ");
}

/** A problem as one sentence or two, for people. */
export function sentenceOf(problem: Problem): string {
  const said = problem.detail || problem.title;
  const fields = (problem.errors ?? []).map((error) => `${error.pointer.replace(/^\//, "")} ${error.detail}`);
  return [said, ...fields].join("; ");
}
