// What the order ticket holds, and whether it makes an order: checked against the instrument before anything is sent,
// in the words that the form shows beside its fields.

import {
  TIMES_IN_FORCE, type Instrument, type NewOrder, type OrderType, type SelfTradePrevention, type Side, type TimeInForce,
} from "../api/schema.ts";
import { ceilTo, floorTo, parseUnits, scaleOf, shortTextOf } from "./decimal.ts";

export interface Ticket {
  side: Side;
  type: OrderType;
  price: string;
  quantity: string;
  time_in_force: TimeInForce;
  expire_at: string;
  post_only: "no" | "yes" | "slide";
  /** What limits a market order: nothing, its worst price, or what it may cost. */
  bound: "none" | "protection_price" | "budget";
  bound_value: string;
  stop_price: string;
  trail_unit: "price" | "bps";
  trail: string;
  display_quantity: string;
  min_quantity: string;
  self_trade_prevention: SelfTradePrevention | "";
  self_trade_group: string;
}

export const EMPTY_TICKET: Ticket = {
  side: "buy",
  type: "limit",
  price: "",
  quantity: "",
  time_in_force: "gtc",
  expire_at: "",
  post_only: "no",
  bound: "none",
  bound_value: "",
  stop_price: "",
  trail_unit: "price",
  trail: "",
  display_quantity: "",
  min_quantity: "",
  self_trade_prevention: "",
  self_trade_group: "",
};

export type Field = keyof Ticket;
export type FieldErrors = Partial<Record<Field, string>>;

export const hasLimit = (type: OrderType): boolean =>
  type === "limit" || type === "stop_limit" || type === "trailing_stop_limit";
export const hasStop = (type: OrderType): boolean => type === "stop" || type === "stop_limit";
export const hasTrail = (type: OrderType): boolean => type === "trailing_stop" || type === "trailing_stop_limit";

/** An id that no other order has. A page that came without TLS has no crypto.randomUUID. */
export function newOrderId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The times in force that an order of a type may have. */
export function timesFor(type: OrderType): readonly TimeInForce[] {
  return TIMES_IN_FORCE.filter((force) => (hasLimit(type) || force !== "aon") && (type !== "market" || force !== "gtd"));
}

/** What may limit a market order: where money is settled, a buy has to say what it may cost. */
export function boundsFor(side: Side, instrument: Instrument): readonly Ticket["bound"][] {
  if (!instrument.settlement) return ["none", "protection_price"];
  return side === "buy" ? ["protection_price", "budget"] : ["none", "protection_price"];
}

/** An order, or what is wrong with each field. */
export type Checked = { order: NewOrder; errors: null } | { order: null; errors: FieldErrors };

/** `now` is a time in milliseconds, for orders that expire. */
export function checkTicket(ticket: Ticket, instrument: Instrument, now: number): Checked {
  const check = new Check(instrument);
  const order: NewOrder = {
    symbol: instrument.symbol,
    side: ticket.side,
    type: ticket.type,
    time_in_force: ticket.time_in_force,
    quantity: check.quantity("quantity", ticket.quantity),
  };
  if (hasLimit(ticket.type)) order.price = check.price("price", ticket.price);
  if (hasStop(ticket.type)) order.stop_price = check.price("stop_price", ticket.stop_price);
  if (hasTrail(ticket.type)) {
    if (ticket.trail_unit === "bps") order.trail_offset_bps = check.whole("trail", ticket.trail, 1, 10_000);
    else order.trail_offset = check.price("trail", ticket.trail, true);
  }
  if (ticket.type === "market" && ticket.bound === "protection_price")
    order.protection_price = check.price("bound_value", ticket.bound_value);
  if (ticket.type === "market" && ticket.bound === "budget") order.budget = check.money("bound_value", ticket.bound_value);
  if (ticket.time_in_force === "gtd") order.expire_at = check.later("expire_at", ticket.expire_at, now);
  if (ticket.type === "limit" && ticket.post_only !== "no")
    order.post_only = ticket.post_only === "slide" ? "slide" : true;
  if (hasLimit(ticket.type) && ticket.display_quantity !== "")
    order.display_quantity = check.quantity("display_quantity", ticket.display_quantity, true);
  if (ticket.min_quantity !== "") order.min_quantity = check.quantity("min_quantity", ticket.min_quantity);
  if (ticket.self_trade_prevention !== "") order.self_trade_prevention = ticket.self_trade_prevention;
  if (ticket.self_trade_group !== "")
    order.self_trade_group = check.whole("self_trade_group", ticket.self_trade_group, 0, 4_294_967_295);
  check.combination(order, instrument);
  return Object.keys(check.errors).length === 0 ? { order, errors: null } : { order: null, errors: check.errors };
}

/** What an amend form holds: each given value on the grid, and the error of each that is not. */
export function checkAmend(
  price: string | null, quantity: string, instrument: Instrument,
): { price: string | null; quantity: string; errors: FieldErrors } {
  const check = new Check(instrument);
  return {
    quantity: check.quantity("quantity", quantity),
    price: price === null ? null : check.price("price", price),
    errors: check.errors,
  };
}

class Check {
  readonly errors: FieldErrors = {};

  constructor(private readonly instrument: Instrument) {}

  price(field: Field, text: string, positive = false): string {
    return this.onGrid(field, text, this.instrument.tick_size, "tick", positive);
  }

  quantity(field: Field, text: string, zeroAllowed = false): string {
    if (zeroAllowed && /^0+(\.0*)?$/.test(text.trim())) return "0";
    return this.onGrid(field, text, this.instrument.lot_size, "lot", true);
  }

  money(field: Field, text: string): string {
    const scale = scaleOf(text.trim());
    const units = parseUnits(text, scale);
    if (units === null || units <= 0n) this.errors[field] = "must be an amount above 0";
    return units === null ? "" : shortTextOf(units, scale);
  }

  whole(field: Field, text: string, least: number, most: number): number {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) this.errors[field] = `must be a whole number, ${least} to ${most}`;
    return value;
  }

  later(field: Field, text: string, now: number): number {
    const time = text === "" ? NaN : new Date(text).getTime();
    if (!(time > now)) this.errors[field] = "must be a time to come";
    return time * 1e6;
  }

  /** What the rules exclude, said before the server says it. */
  combination(order: NewOrder, instrument: Instrument): void {
    const [type, force] = [order.type!, order.time_in_force!];
    if (!timesFor(type).includes(force)) this.errors.time_in_force = "does not go with this type";
    if (instrument.settlement && order.side === "buy" && (type === "stop" || type === "trailing_stop"))
      this.errors.type = "has no limit, and a buy has to say what it may cost: take the one with a limit";
    if (type === "market" && instrument.settlement && order.side === "buy" && order.protection_price === undefined && order.budget === undefined)
      this.errors.bound = "is needed: a market buy has to say what it may cost";
    const isImmediate = force === "ioc" || force === "fok" || force === "aon";
    if (order.post_only !== undefined && (isImmediate || order.min_quantity !== undefined))
      this.errors.post_only = "goes with GTC, DAY and GTD alone, and without a least quantity";
    if (order.display_quantity !== undefined && isImmediate) this.errors.display_quantity = "does not go with IOC, FOK or AON";
    if (order.min_quantity !== undefined && force === "aon") this.errors.min_quantity = "does not go with AON";
  }

  private onGrid(field: Field, text: string, stepText: string, stepName: "tick" | "lot", positive: boolean): string {
    const given = text.trim();
    const scale = Math.max(scaleOf(stepText), scaleOf(given));
    const units = parseUnits(given, scale);
    const step = parseUnits(stepText, scale) ?? 1n;
    if (given === "") this.errors[field] = "is missing";
    else if (units === null) this.errors[field] = "is not a number";
    else if (positive && units <= 0n) this.errors[field] = "must be above 0";
    else if (units % step !== 0n) {
      const below = floorTo(units, step);
      const above = ceilTo(units, step);
      const near = (units - below <= above - units && !(positive && below <= 0n)) ? below : above;
      this.errors[field] = `is not a multiple of the ${stepName} ${stepText}: ${shortTextOf(near, scale)} is near`;
    }
    return units === null ? "" : shortTextOf(units, scale);
  }
}
