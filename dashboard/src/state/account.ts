// The account that is traded for: its live orders, fills and balances, and what the page says when they change.

import { computed, signal } from "@preact/signals";
import { api } from "../api/rest.ts";
import type { BalanceList, Fill, Order } from "../api/schema.ts";
import { fixed, scaleOf } from "../market/decimal.ts";
import { instruments, symbol } from "./venue.ts";
import { stream } from "./link.ts";

export interface OwnFill extends Fill {
  order: Order;
}

export interface Notice {
  id: number;
  kind: "fill" | "done" | "bad";
  text: string;
}

const FILLS_KEPT = 200;
const NOTICE_MS = 6_000;

export const liveOrders = signal<ReadonlyMap<string, Order>>(new Map());
export const fills = signal<OwnFill[]>([]);
export const doneOrders = signal<Order[]>([]);
export const balances = signal<BalanceList>({ balances: [], positions: [] });
export const notices = signal<Notice[]>([]);

/** Own quantity at each price of the market that is looked at: what the ladder marks. */
export const ownAtPrice = computed(() => {
  const at: { price: string; side: string; quantity: string }[] = [];
  for (const order of liveOrders.value.values()) {
    if (order.symbol === symbol.value && order.price !== null && order.status !== "dormant") {
      at.push({ price: order.price, side: order.side, quantity: order.remaining_quantity });
    }
  }
  return at;
});

const isLive = (order: Order): boolean => order.status !== "filled" && order.status !== "canceled";

let lastNotice = 0;

export function notify(kind: Notice["kind"], text: string): void {
  const notice = { id: ++lastNotice, kind, text };
  notices.value = [...notices.value.slice(-3), notice];
  setTimeout(() => (notices.value = notices.value.filter((shown) => shown !== notice)), NOTICE_MS);
}

export function scalesOf(name: string): { price: number; quantity: number } {
  const found = instruments.value.find((known) => known.symbol === name);
  return { price: scaleOf(found?.tick_size ?? "1"), quantity: scaleOf(found?.lot_size ?? "1") };
}

/** An order with the terms that only another account of it has: the stream tells what happens to it, not all of them. */
function withTerms(order: Order, other: Order): Order {
  return {
    ...order,
    time_in_force: order.time_in_force ?? other.time_in_force,
    stop_price: order.stop_price ?? other.stop_price,
    display_quantity: order.display_quantity ?? other.display_quantity,
    expire_at: order.expire_at ?? other.expire_at,
    client_order_id: order.client_order_id ?? other.client_order_id,
    post_only: order.post_only || other.post_only,
  };
}

/** Takes in an order's new state, whichever way it came. */
export function tookPlace(told: Order): void {
  const known = liveOrders.value.get(told.order_id);
  const isNews = known === undefined || told.sequence >= known.sequence;
  const order = known === undefined ? told : isNews ? withTerms(told, known) : withTerms(known, told);
  if (!isNews) liveOrders.value = new Map(liveOrders.value).set(order.order_id, order);
  else {
    const next = new Map(liveOrders.value);
    if (isLive(order)) next.set(order.order_id, order);
    else if (next.delete(order.order_id) || order.fills.length > 0 || known === undefined) {
      doneOrders.value = [order, ...doneOrders.value.filter((done) => done.order_id !== order.order_id)].slice(0, FILLS_KEPT);
    }
    if (isLive(order) && doneOrders.value.some((done) => done.order_id === order.order_id)) return;
    liveOrders.value = next;
  }
  addFills(told);
}

function addFills(order: Order): void {
  const known = new Set(fills.value.map((fill) => `${fill.order.order_id}/${fill.trade_id}`));
  const fresh = order.fills.filter((fill) => !known.has(`${order.order_id}/${fill.trade_id}`));
  if (fresh.length === 0) return;
  fills.value = [...fresh.map((fill) => ({ ...fill, order })).reverse(), ...fills.value].slice(0, FILLS_KEPT);
  const scales = scalesOf(order.symbol);
  for (const fill of fresh.slice(-3)) {
    const did = order.side === "buy" ? "Bought" : "Sold";
    notify("fill", `${did} ${fixed(fill.quantity, scales.quantity)} ${order.symbol} at ${fixed(fill.price, scales.price)}`);
  }
}

/** Follows an account until the answer is called. */
export function followAccount(account: string | null): () => void {
  let ended = false;
  let balancesDue: ReturnType<typeof setTimeout> | null = null;
  liveOrders.value = new Map();
  fills.value = [];
  doneOrders.value = [];
  balances.value = { balances: [], positions: [] };

  const loadBalances = async (): Promise<void> => {
    balancesDue = null;
    if (account === null) return;
    const loaded = await api.balances(account).catch(() => null);
    if (!ended && loaded !== null) balances.value = loaded;
  };
  const balancesChanged = (): void => {
    // Orders come in bursts; balances are asked for after them, not after each.
    balancesDue ??= setTimeout(() => void loadBalances(), 250);
  };
  const load = async (): Promise<void> => {
    balancesChanged();
    const [live, done] = await Promise.all([
      allLive(account),
      api.orders(account, "done", 100).catch(() => null),
    ]);
    if (ended || live === null || done === null) return;
    liveOrders.value = new Map(live.map((order) => [order.order_id, order]));
    doneOrders.value = done.orders;
  };
  const stop = stream.subscribe(
    { channel: "orders", ...(account === null ? {} : { account }) },
    {
      started: () => void load(),
      message(message) {
        // What was on its way when another account was chosen is not this one's.
        if (message.channel !== "orders" || (account !== null && message.account !== account)) return;
        for (const order of message.orders) tookPlace(order);
        balancesChanged();
      },
    },
  );
  return () => {
    ended = true;
    stop();
    if (balancesDue !== null) clearTimeout(balancesDue);
  };
}

/** Every live order, up to a number that nobody reads. */
async function allLive(account: string | null): Promise<Order[] | null> {
  const found: Order[] = [];
  let cursor: string | null = null;
  try {
    do {
      const page: { orders: Order[]; next_cursor: string | null } = await api.orders(account, "live", 500, cursor);
      found.push(...page.orders);
      cursor = page.next_cursor;
    } while (cursor !== null && found.length < 2_000);
  } catch {
    return null;
  }
  return found;
}
