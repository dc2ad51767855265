import { describe, expect, it } from "vitest";
import { ORDER_TYPES, TIMES_IN_FORCE, type Instrument } from "../src/api/schema.ts";
import { boundsFor, checkAmend, checkTicket, EMPTY_TICKET, newOrderId, timesFor, type FieldErrors, type Ticket } from "../src/market/ticket.ts";

const INSTRUMENT = { symbol: "BTC-USD", tick_size: "0.05", lot_size: "0.001" } as Instrument;
const NOW = Date.parse("2026-01-01T12:00:00Z");

const ticket = (changes: Partial<Ticket>): Ticket => ({ ...EMPTY_TICKET, price: "100", quantity: "1", ...changes });
const order = (changes: Partial<Ticket>) => checkTicket(ticket(changes), INSTRUMENT, NOW).order;
const errors = (changes: Partial<Ticket>): FieldErrors => checkTicket(ticket(changes), INSTRUMENT, NOW).errors ?? {};

describe("a ticket", () => {
  it("has an id that the server takes, and another one each time", () => {
    const ids = Array.from({ length: 100 }, newOrderId);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(100);
  });

  it("makes a limit order", () => {
    expect(order({ price: " 100.05 ", quantity: "2.500" })).toEqual({
      symbol: "BTC-USD", side: "buy", type: "limit", time_in_force: "gtc", price: "100.05", quantity: "2.5",
    });
  });

  it("says which tick or lot is near", () => {
    expect(errors({ price: "100.07" }).price).toBe("is not a multiple of the tick 0.05: 100.05 is near");
    expect(errors({ price: "100.051" }).price).toContain("100.05 is near");
    expect(errors({ quantity: "0.0004" }).quantity).toContain("0.001 is near");
  });

  it("names what is missing or no number", () => {
    expect(errors({ price: "", quantity: "many" })).toEqual({ price: "is missing", quantity: "is not a number" });
    expect(errors({ quantity: "0" })).toEqual({ quantity: "must be above 0" });
    expect(errors({ price: "-100" })).toEqual({});
  });

  it("sends with each type what belongs to it and nothing else", () => {
    const all: Partial<Ticket> = { stop_price: "99", trail: "2", bound: "protection_price", bound_value: "120", post_only: "yes", display_quantity: "0.5" };
    const fields = Object.fromEntries(ORDER_TYPES.map((type) => [type, Object.keys(order({ ...all, type }) ?? {}).sort().join(" ")]));
    const common = (more: string): string => [...more.split(" ").filter((name) => name), "quantity", "side", "symbol", "time_in_force", "type"].sort().join(" ");
    expect(fields).toEqual({
      limit: common("price post_only display_quantity"),
      market: common("protection_price"),
      stop: common("stop_price"),
      stop_limit: common("stop_price price display_quantity"),
      trailing_stop: common("trail_offset"),
      trailing_stop_limit: common("trail_offset price display_quantity"),
    });
  });

  it("knows every time in force; one that ends has a time to come", () => {
    for (const force of TIMES_IN_FORCE) {
      expect(order({ time_in_force: force, expire_at: "2026-01-02T12:00:00Z" })?.time_in_force).toBe(force);
    }
    expect(order({ time_in_force: "gtd", expire_at: "2026-01-02T12:00:00Z" })?.expire_at).toBe(Date.parse("2026-01-02T12:00:00Z") * 1e6);
    expect(errors({ time_in_force: "gtd", expire_at: "2025-01-02T12:00:00Z" }).expire_at).toBe("must be a time to come");
    expect(errors({ time_in_force: "gtd" }).expire_at).toBe("must be a time to come");
  });

  it("trails by basis points too, and hides with 0", () => {
    expect(order({ type: "trailing_stop", trail_unit: "bps", trail: "25" })?.trail_offset_bps).toBe(25);
    expect(errors({ type: "trailing_stop", trail_unit: "bps", trail: "2.5" }).trail).toContain("whole number");
    expect(order({ display_quantity: "0.0" })?.display_quantity).toBe("0");
  });

  it("takes a budget that is on no grid", () => {
    expect(order({ type: "market", bound: "budget", bound_value: "123.4567" })?.budget).toBe("123.4567");
    expect(errors({ type: "market", bound: "budget", bound_value: "0" }).bound_value).toBe("must be an amount above 0");
  });
});

describe("what excludes one another", () => {
  const settled = { ...INSTRUMENT, settlement: true } as Instrument;
  const inSettled = (changes: Partial<Ticket>): FieldErrors => checkTicket(ticket(changes), settled, NOW).errors ?? {};

  it("is said before the server says it", () => {
    expect(Object.keys(errors({ type: "market", time_in_force: "gtd", expire_at: "2026-01-02T12:00:00Z" }))).toEqual(["time_in_force"]);
    expect(Object.keys(errors({ type: "stop", stop_price: "99", time_in_force: "aon" }))).toEqual(["time_in_force"]);
    expect(Object.keys(errors({ post_only: "yes", time_in_force: "ioc" }))).toEqual(["post_only"]);
    expect(Object.keys(errors({ post_only: "slide", min_quantity: "0.5" }))).toEqual(["post_only"]);
    expect(Object.keys(errors({ display_quantity: "0.5", time_in_force: "fok" }))).toEqual(["display_quantity"]);
    expect(Object.keys(errors({ min_quantity: "0.5", time_in_force: "aon" }))).toEqual(["min_quantity"]);
  });

  it("depends on money: a buy has to say what it may cost", () => {
    expect(inSettled({ type: "market" }).bound).toContain("is needed");
    expect(inSettled({ type: "market", bound: "budget", bound_value: "100" })).toEqual({});
    expect(inSettled({ type: "market", side: "sell" })).toEqual({});
    expect(inSettled({ type: "stop", stop_price: "99" }).type).toContain("take the one with a limit");
    expect(inSettled({ type: "stop", stop_price: "99", side: "sell" })).toEqual({});
    expect(errors({ type: "market" })).toEqual({});
    expect([boundsFor("buy", settled), boundsFor("sell", settled), boundsFor("buy", INSTRUMENT)]).toEqual([
      ["protection_price", "budget"], ["none", "protection_price"], ["none", "protection_price"],
    ]);
  });

  it("is not offered", () => {
    expect(timesFor("market")).toEqual(["gtc", "day", "ioc", "fok"]);
    expect(timesFor("trailing_stop")).toEqual(["gtc", "day", "gtd", "ioc", "fok"]);
    expect(timesFor("stop_limit")).toEqual([...TIMES_IN_FORCE]);
  });
});

describe("an amend", () => {
  it("is checked like a ticket; an order without a price has none", () => {
    expect(checkAmend("100.07", "1", INSTRUMENT).errors.price).toContain("is not a multiple");
    expect(checkAmend(null, "0.5", INSTRUMENT)).toEqual({ price: null, quantity: "0.5", errors: {} });
  });
});
