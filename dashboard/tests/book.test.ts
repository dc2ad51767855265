import { beforeEach, describe, expect, it } from "vitest";
import type { PriceLevel } from "../src/api/schema.ts";
import { groupLevels, LocalBook, reachOf, sweep, type DepthChange, type Level } from "../src/market/book.ts";
import { textOf, unitsOf } from "../src/market/decimal.ts";

const change = (first: number, last: number, bids: PriceLevel[] = [], asks: PriceLevel[] = []): DepthChange => ({
  first_update_id: first, last_update_id: last, bids, asks,
});

const SNAPSHOT = {
  last_update_id: 10,
  bids: [["99.5", "2"], ["99", "1"]] as PriceLevel[],
  asks: [["100", "3"], ["100.5", "4"]] as PriceLevel[],
};

const shown = (levels: readonly Level[]): string[] => levels.map((level) => `${textOf(level.quantity, 0)} @ ${textOf(level.price, 1)}`);

describe("a local book", () => {
  let book: LocalBook;
  beforeEach(() => (book = new LocalBook(1, 0)));

  it("has the snapshot's levels, best first", () => {
    book.reset(SNAPSHOT);
    expect(shown(book.bids)).toEqual(["2 @ 99.5", "1 @ 99.0"]);
    expect(shown(book.asks)).toEqual(["3 @ 100.0", "4 @ 100.5"]);
  });

  it("follows updates: changed, new and gone levels", () => {
    book.reset(SNAPSHOT);
    expect(book.update(change(11, 14, [["99.5", "5"], ["98", "7"]], [["100", "0"], ["100.2", "1"]]))).toBe("applied");
    expect(shown(book.bids)).toEqual(["5 @ 99.5", "1 @ 99.0", "7 @ 98.0"]);
    expect(shown(book.asks)).toEqual(["1 @ 100.2", "4 @ 100.5"]);
    expect(book.lastUpdateId).toBe(14);
  });

  it("passes over what the snapshot has already", () => {
    book.reset(SNAPSHOT);
    expect(book.update(change(5, 10, [["99.5", "0"]]))).toBe("stale");
    expect(shown(book.bids)).toEqual(["2 @ 99.5", "1 @ 99.0"]);
  });

  it("begins with the update that holds the next id", () => {
    book.reset(SNAPSHOT);
    expect(book.update(change(8, 12, [["99", "9"]]))).toBe("applied");
    expect(book.lastUpdateId).toBe(12);
  });

  it("sees a gap, keeps what follows, and goes on from the next snapshot", () => {
    book.reset(SNAPSHOT);
    expect(book.update(change(12, 13, [["99", "9"]]))).toBe("gap");
    expect(book.isSynced).toBe(false);
    expect(shown(book.bids)).toEqual(["2 @ 99.5", "1 @ 99.0"]);
    expect(book.update(change(14, 15, [["98", "8"]]))).toBe("waiting");
    expect(book.reset({ last_update_id: 11, bids: [["99.5", "1"]], asks: [] })).toBe(true);
    expect(shown(book.bids)).toEqual(["1 @ 99.5", "9 @ 99.0", "8 @ 98.0"]);
    expect(book.lastUpdateId).toBe(15);
  });

  it("is not fooled by a snapshot that is too old for what waited", () => {
    book.reset(SNAPSHOT);
    book.update(change(20, 21));
    expect(book.reset({ ...SNAPSHOT, last_update_id: 15 })).toBe(false);
    expect(book.isSynced).toBe(false);
    expect(book.reset({ ...SNAPSHOT, last_update_id: 19 })).toBe(true);
    expect(book.lastUpdateId).toBe(21);
  });

  it("takes updates that come before the first snapshot", () => {
    expect(book.update(change(9, 10))).toBe("waiting");
    expect(book.update(change(11, 11, [["99", "0"]]))).toBe("waiting");
    book.reset(SNAPSHOT);
    expect(shown(book.bids)).toEqual(["2 @ 99.5"]);
  });

  it("verifies itself against the server's book; of another moment, a difference says nothing", () => {
    const other = { ...SNAPSHOT, asks: [["100", "2"], ["100.5", "4"]] as PriceLevel[] };
    book.reset(SNAPSHOT);
    expect(book.matches(SNAPSHOT, 100)).toBe(true);
    expect(book.matches({ ...SNAPSHOT, last_update_id: 11 }, 100)).toBe(true);
    expect(book.matches(other, 100)).toBe(false);
    expect(book.matches({ ...other, last_update_id: 11 }, 100)).toBeNull();
    expect(book.matches({ ...SNAPSHOT, bids: [...SNAPSHOT.bids, ["98", "1"]] }, 100)).toBe(false);
    book.lose();
    expect(book.matches(SNAPSHOT, 100)).toBeNull();
  });

  it("compares with a book that was cut as far as that goes", () => {
    const cut = { ...SNAPSHOT, bids: SNAPSHOT.bids.slice(0, 1), asks: SNAPSHOT.asks.slice(0, 1) };
    book.reset(SNAPSHOT);
    expect(book.matches(cut, 1)).toBe(true);
    expect(book.matches(cut, 2)).toBe(false);
  });

  it("is the same as a map after any updates", () => {
    let state = 12345;
    const random = (below: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
    book.reset({ last_update_id: 0, bids: [], asks: [] });
    const model = new Map<string, number>();
    for (let id = 1; id <= 3000; id++) {
      const [price, quantity] = [String(random(60) - 20), random(4)];
      if (quantity === 0) model.delete(price);
      else model.set(price, quantity);
      expect(book.update(change(id, id, [[price, String(quantity)]]))).toBe("applied");
    }
    const expected = [...model].sort(([a], [b]) => Number(b) - Number(a)).map(([price, quantity]) => `${quantity} @ ${price}.0`);
    expect(expected.length).toBeGreaterThan(20);
    expect(shown(book.bids)).toEqual(expected);
  });
});

describe("levels", () => {
  const levels = (...texts: [string, number][]): Level[] => texts.map(([price, quantity]) => ({ price: unitsOf(price, 1), quantity: BigInt(quantity) }));

  it("are grouped away from the middle, so that a group never looks better than what is in it", () => {
    const bids = levels(["100.4", 1], ["100.1", 2], ["99.9", 4], ["98", 8]);
    expect(shown(groupLevels(bids, "buy", 10n, 10))).toEqual(["3 @ 100.0", "4 @ 99.0", "8 @ 98.0"]);
    const asks = levels(["100.6", 1], ["101", 2], ["101.1", 4]);
    expect(shown(groupLevels(asks, "sell", 10n, 10))).toEqual(["3 @ 101.0", "4 @ 102.0"]);
  });

  it("end with the last row that has room, which is complete", () => {
    expect(shown(groupLevels(levels(["101", 1], ["100.9", 2], ["100.1", 3], ["99", 4]), "buy", 10n, 2))).toEqual(["1 @ 101.0", "5 @ 100.0"]);
  });

  it("tell what a sweep costs", () => {
    const asks = levels(["100", 3], ["101", 4]);
    expect(sweep(asks, 5n)).toEqual({ filled: 5n, cost: 3n * 1000n + 2n * 1010n, worst: 1010n });
    expect(sweep(asks, 100n)).toEqual({ filled: 7n, cost: 3n * 1000n + 4n * 1010n, worst: 1010n });
    expect(sweep([], 1n)).toEqual({ filled: 0n, cost: 0n, worst: null });
  });
});

describe("the reach of a picture", () => {
  const at = (...prices: number[]): Level[] => prices.map((price) => ({ price: BigInt(price), quantity: 1n }));

  it("is that of nine levels of ten", () => {
    expect(reachOf(at(99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 1), 100, 60)).toBe(10);
    expect(reachOf(at(101, 102, 103, 104), 100, 2)).toBe(2);
  });

  it("is a thin side's last level, and nothing where there is none", () => {
    expect(reachOf(at(90), 100, 60)).toBe(10);
    expect(reachOf(at(99, 50), 100, 60)).toBe(50);
    expect(reachOf([], 100, 60)).toBe(0);
  });
});
