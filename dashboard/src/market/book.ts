// A local copy of an order book that follows the depth channel and knows when it does not.
//
// The recipe: take the updates; take a snapshot; drop the updates that end at or before it, begin with the one that
// holds the next id; from then on each begins one above where the last ended. Anything else is a gap: the copy is
// wrong from there on, says so, and keeps updates until another snapshot comes.

import type { PriceLevel, Side } from "../api/schema.ts";
import { ceilTo, floorTo, unitsOf } from "./decimal.ts";

export interface Level {
  price: bigint;
  quantity: bigint;
}

export interface DepthChange {
  first_update_id: number;
  last_update_id: number;
  bids: PriceLevel[];
  asks: PriceLevel[];
}

export interface DepthState {
  last_update_id: number;
  bids: PriceLevel[];
  asks: PriceLevel[];
}

/** What became of an update: taken, passed over because it is older, kept for a snapshot, or the first after a gap. */
export type Outcome = "applied" | "stale" | "waiting" | "gap";

/** Updates that may wait for a snapshot. More than a minute of them means that none is coming. */
const MAX_WAITING = 1000;

export class LocalBook {
  readonly bids: Level[] = [];
  readonly asks: Level[] = [];
  lastUpdateId = -1;
  private waiting: DepthChange[] = [];
  private synced = false;

  constructor(
    readonly priceScale: number,
    readonly quantityScale: number,
  ) {}

  /** Whether the copy is the server's book as of `lastUpdateId`. */
  get isSynced(): boolean {
    return this.synced;
  }

  /** Starts over from a snapshot, then applies what waited for it. False: there is a gap even so. */
  reset(snapshot: DepthState): boolean {
    this.fill(this.bids, snapshot.bids);
    this.fill(this.asks, snapshot.asks);
    this.bids.reverse();
    this.lastUpdateId = snapshot.last_update_id;
    this.synced = true;
    const waited = this.waiting;
    this.waiting = [];
    for (const change of waited) {
      // After a gap, update() keeps this one and what follows for the next snapshot.
      this.update(change);
    }
    return this.synced;
  }

  update(change: DepthChange): Outcome {
    if (!this.synced) return this.wait(change);
    if (change.last_update_id <= this.lastUpdateId) return "stale";
    if (change.first_update_id > this.lastUpdateId + 1) {
      this.synced = false;
      this.wait(change);
      return "gap";
    }
    for (const level of change.bids) this.set(this.bids, level, true);
    for (const level of change.asks) this.set(this.asks, level, false);
    this.lastUpdateId = change.last_update_id;
    return "applied";
  }

  /** Forgets that it was synced, because the connection that brought the updates is gone. What is shown stays. */
  lose(): void {
    this.synced = false;
    this.waiting = [];
  }

  /** Whether best bid and best ask stand apart. They may meet while an auction collects orders. */
  get isCrossed(): boolean {
    const bid = this.bids[0];
    const ask = this.asks[0];
    return bid !== undefined && ask !== undefined && bid.price >= ask.price;
  }

  side(side: Side): readonly Level[] {
    return side === "buy" ? this.bids : this.asks;
  }

  /**
   * Compares with the server's book, of which a side has `limit` levels at most. True: they are the same. False: they
   * are of one moment and differ. Null: they differ, but are of different moments, so it says nothing.
   */
  matches(other: DepthState, limit: number): boolean | null {
    if (!this.synced) return null;
    if (this.sameSide(this.bids, other.bids, limit) && this.sameSide(this.asks, other.asks, limit)) return true;
    return other.last_update_id === this.lastUpdateId ? false : null;
  }

  private sameSide(own: readonly Level[], other: PriceLevel[], limit: number): boolean {
    return other.length === Math.min(own.length, limit) && other.every(([price, quantity], at) => {
      const level = own[at];
      return level !== undefined && level.price === unitsOf(price, this.priceScale)
        && level.quantity === unitsOf(quantity, this.quantityScale);
    });
  }

  private wait(change: DepthChange): Outcome {
    this.waiting.push(change);
    if (this.waiting.length > MAX_WAITING) this.waiting.shift();
    return "waiting";
  }

  /** Levels in ascending order of price. */
  private fill(side: Level[], levels: PriceLevel[]): void {
    side.length = 0;
    for (const [price, quantity] of levels) {
      const level = { price: unitsOf(price, this.priceScale), quantity: unitsOf(quantity, this.quantityScale) };
      if (level.quantity !== 0n) side.push(level);
    }
    side.sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : 0));
  }

  private set(side: Level[], [priceText, quantityText]: PriceLevel, descending: boolean): void {
    const price = unitsOf(priceText, this.priceScale);
    const quantity = unitsOf(quantityText, this.quantityScale);
    let low = 0;
    let high = side.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = side[middle]!.price;
      if (descending ? at > price : at < price) low = middle + 1;
      else high = middle;
    }
    const found = side[low];
    if (found?.price === price) {
      if (quantity === 0n) side.splice(low, 1);
      else found.quantity = quantity;
    } else if (quantity !== 0n) {
      side.splice(low, 0, { price, quantity });
    }
  }
}

/** Levels put together in steps of price, as the ladder shows them: bids rounded down, asks up. Best first. */
export function groupLevels(levels: readonly Level[], side: Side, step: bigint, rows: number): Level[] {
  const groups: Level[] = [];
  for (const level of levels) {
    const price = side === "buy" ? floorTo(level.price, step) : ceilTo(level.price, step);
    const last = groups[groups.length - 1];
    if (last?.price === price) last.quantity += level.quantity;
    else if (groups.length === rows) break;
    else groups.push({ price, quantity: level.quantity });
  }
  return groups;
}

/** How far from the middle a picture of a side reaches: one order far away does not make a line of all the others. */
export function reachOf(levels: readonly Level[], middle: number, most: number): number {
  const shown = Math.min(levels.length, most);
  const last = levels[Math.round(0.9 * (shown - 1))];
  return last === undefined ? 0 : Math.abs(Number(last.price) - middle);
}

/** What an order of this quantity would meet: how much there is, what it costs, and the worst price on the way. */
export function sweep(levels: readonly Level[], quantity: bigint): { filled: bigint; cost: bigint; worst: bigint | null } {
  let filled = 0n;
  let cost = 0n;
  let worst: bigint | null = null;
  for (const level of levels) {
    if (filled === quantity) break;
    const taken = level.quantity < quantity - filled ? level.quantity : quantity - filled;
    filled += taken;
    cost += taken * level.price;
    worst = level.price;
  }
  return { filled, cost, worst };
}
