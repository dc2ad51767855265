// The price ladder: asks above, bids below, best prices in the middle, own orders marked. A row fills the ticket.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Side } from "../api/schema.ts";
import { groupLevels, type Level } from "../market/book.ts";
import { ceilTo, fixed, floorTo, shortTextOf, textOf, unitsOf } from "../market/decimal.ts";
import { ownAtPrice } from "../state/account.ts";
import { book, bookHealth, ticker } from "../state/market.ts";
import { fillTicket } from "../state/ticket.ts";
import { instrument, priceScale, quantityScale } from "../state/venue.ts";
import { Panel, useSize } from "./parts.tsx";

const ROW_PX = 20;
const STEPS = [1n, 2n, 5n, 10n, 50n, 100n, 500n, 1000n];

interface Row extends Level {
  side: Side;
  total: bigint;
  own: bigint;
}

export function Ladder() {
  const [body, size] = useSize<HTMLDivElement>();
  const [multiple, setMultiple] = useState(1n);
  const [active, setActive] = useState<number | null>(null);
  const rowsPerSide = Math.max(5, Math.floor((size.height - 28) / 2 / ROW_PX));
  const tick = instrument.value === null ? 1n : unitsOf(instrument.value.tick_size, priceScale.value);
  const { version, levels } = book.value;
  const own = ownAtPrice.value;
  const { asks, bids, deepest } = useMemo(
    () => ladderRows(tick * multiple, rowsPerSide),
    [version, levels, own, tick, multiple, rowsPerSide],
  );
  useEffect(() => {
    setMultiple(1n);
    setActive(null);
  }, [instrument.value?.symbol]);

  const rows: (Row | null)[] = [
    ...Array<null>(rowsPerSide - asks.length).fill(null), ...asks.slice().reverse(),
    ...bids, ...Array<null>(rowsPerSide - bids.length).fill(null),
  ];
  const pick = (row: Row | null | undefined, withQuantity: boolean): void => {
    if (!row) return;
    const price = shortTextOf(row.price, priceScale.value);
    if (!withQuantity) fillTicket(price);
    else fillTicket(price, { quantity: shortTextOf(row.total, quantityScale.value), side: row.side === "buy" ? "sell" : "buy" });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = active ?? rowsPerSide;
    if (event.key === "ArrowUp") setActive(Math.max(0, at - 1));
    else if (event.key === "ArrowDown") setActive(Math.min(rows.length - 1, active === null ? at : at + 1));
    else if (event.key === "Enter") pick(rows[at], event.shiftKey);
    else return;
    event.preventDefault();
  };
  const line = (row: Row | null, at: number) => (
    <LadderRow key={at} row={row} at={at} isActive={active === at} deepest={deepest} onPick={pick} />
  );
  return (
    <Panel title="Ladder" area="ladder" aside={<StepChoice tick={tick} value={multiple} onChange={setMultiple} />}>
      <div class="ladder-head row-head" aria-hidden="true"><span>yours</span><span>price</span><span>quantity</span><span>total</span></div>
      <div ref={body} class={`ladder ${bookHealth.value.state === "resyncing" ? "stale" : ""}`} role="listbox" tabIndex={0}
        aria-label="Price ladder: arrows choose a row, Enter takes its price, Shift Enter its quantity too"
        aria-activedescendant={active === null ? undefined : `ladder-${active}`} onKeyDown={onKeyDown}
        onBlur={() => setActive(null)} data-testid="ladder">
        {rows.slice(0, rowsPerSide).map(line)}
        <Spread />
        {rows.slice(rowsPerSide).map((row, at) => line(row, at + rowsPerSide))}
      </div>
      <BookFoot />
    </Panel>
  );
}

function LadderRow(props: {
  row: Row | null; at: number; isActive: boolean; deepest: bigint; onPick(row: Row, withQuantity: boolean): void;
}) {
  const { row } = props;
  if (row === null) return <div class="level empty" />;
  const price = fixed(textOf(row.price, priceScale.value), priceScale.value);
  const quantity = fixed(textOf(row.quantity, quantityScale.value), quantityScale.value);
  const total = fixed(textOf(row.total, quantityScale.value), quantityScale.value);
  const own = row.own === 0n ? "" : shortTextOf(row.own, quantityScale.value);
  const share = props.deepest === 0n ? 0 : Number((row.total * 1000n) / props.deepest) / 1000;
  return (
    <div class={`level ${row.side}${props.isActive ? " active" : ""}${own === "" ? "" : " own"}`} role="option"
      id={`ladder-${props.at}`} aria-selected={props.isActive} data-price={textOf(row.price, priceScale.value)}
      aria-label={`${row.side === "buy" ? "bid" : "ask"} ${price}, quantity ${quantity}, total ${total}${own === "" ? "" : `, yours ${own}`}`}
      title="Takes the price; with Shift the quantity down to here too"
      onClick={(event) => props.onPick(row, event.shiftKey)}>
      <i class="bar" style={{ transform: `scaleX(${share})` }} />
      <span class="mine">{own}</span><span class="price">{price}</span><span>{quantity}</span><span class="total">{total}</span>
    </div>
  );
}

function Spread() {
  const levels = book.value.levels;
  const [bid, ask] = [levels?.bids[0], levels?.asks[0]];
  const scale = priceScale.value;
  const spread = bid === undefined || ask === undefined ? "–" : fixed(textOf(ask.price - bid.price, scale), scale);
  return (
    <div class="spread" role="presentation">
      <strong>{fixed(ticker.value?.last_price, scale)}</strong><span>spread {spread}</span>
    </div>
  );
}

/** How sure the page is of this book. */
function BookFoot() {
  const health = bookHealth.value;
  const text = health.state === "synced"
    ? `update ${book.value.levels?.lastUpdateId ?? 0}`
    : health.state === "loading" ? "loading…" : "resyncing…";
  return (
    <footer class="foot" data-testid="book-state" data-state={health.state} data-verified={health.verifiedAt !== null}>
      <span>{text}</span>
      <span title="Found the same as the server’s book">
        {health.verifiedAt === null ? "" : "✓ verified"}{health.gaps > 0 ? ` · ${health.gaps} resynced` : ""}
      </span>
    </footer>
  );
}

function StepChoice(props: { tick: bigint; value: bigint; onChange(value: bigint): void }) {
  return (
    <label class="inline">
      <span class="sr">Prices in steps of</span>
      <select id="ladder-step" value={String(props.value)} onChange={(event) => props.onChange(BigInt(event.currentTarget.value))}>
        {STEPS.map((step) => <option key={step} value={String(step)}>{shortTextOf(props.tick * step, priceScale.value)}</option>)}
      </select>
    </label>
  );
}

function ladderRows(step: bigint, rows: number): { asks: Row[]; bids: Row[]; deepest: bigint } {
  const levels = book.value.levels;
  if (levels === null) return { asks: [], bids: [], deepest: 0n };
  const side = (which: Side): Row[] => {
    const own = new Map<bigint, bigint>();
    for (const order of ownAtPrice.value) {
      if (order.side !== which) continue;
      const exact = unitsOf(order.price, priceScale.value);
      const price = which === "buy" ? floorTo(exact, step) : ceilTo(exact, step);
      own.set(price, (own.get(price) ?? 0n) + unitsOf(order.quantity, quantityScale.value));
    }
    let total = 0n;
    return groupLevels(levels.side(which), which, step, rows).map((level) => {
      total += level.quantity;
      return { ...level, side: which, total, own: own.get(level.price) ?? 0n };
    });
  };
  const [asks, bids] = [side("sell"), side("buy")];
  const ends = [asks[asks.length - 1]?.total ?? 0n, bids[bids.length - 1]?.total ?? 0n];
  return { asks, bids, deepest: ends[0]! > ends[1]! ? ends[0]! : ends[1]! };
}
