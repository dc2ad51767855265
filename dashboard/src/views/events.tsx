// Prediction markets: outcomes with their probabilities, full sets, and how an event ends.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/rest.ts";
import type { EventMarket, Problem, Ticker } from "../api/schema.ts";
import { fixed, parseUnits, scaleOf } from "../market/decimal.ts";
import { balances, notify } from "../state/account.ts";
import { connections, stream } from "../state/link.ts";
import { problemOf, words } from "../state/ticket.ts";
import { account, isAdmin, loadVenue, mayTrade } from "../state/venue.ts";
import { Refusal } from "./parts.tsx";

const events = signal<EventMarket[] | null>(null);
const tickers = signal<ReadonlyMap<string, Ticker>>(new Map());

async function load(): Promise<void> {
  try {
    const [listed, prices] = await Promise.all([api.events(), api.tickers()]);
    events.value = listed;
    tickers.value = new Map(prices.map((ticker) => [ticker.symbol, ticker]));
  } catch {
    // The banner tells of the connection; the next one loads anew.
  }
}

export function Events() {
  useEffect(() => void load(), [connections.value]);
  const symbols = events.value?.flatMap((event) => (event.settled ? [] : event.symbols)).join("\n") ?? "";
  useEffect(() => {
    const ends = symbols.split("\n").filter((name) => name !== "").map((name) =>
      stream.subscribe({ channel: "ticker", symbol: name, interval_ms: 250 }, {
        message: (message) => {
          if (message.channel === "ticker") tickers.value = new Map(tickers.value).set(name, message.ticker);
        },
      }));
    return () => ends.forEach((end) => end());
  }, [symbols]);
  if (events.value === null) return <main class="page"><p class="empty-note">Loading…</p></main>;
  return (
    <main class="page events" id="main">
      <h1>Events</h1>
      <p class="lead">Each outcome is an instrument that pays 1 if it happens and nothing if not: its price is what the
        market thinks of its probability.</p>
      {events.value.length === 0 && <p class="empty-note">This venue has no events. POST /events makes one.</p>}
      <div class="cards">{events.value.map((event) => <EventCard key={event.name} event={event} />)}</div>
    </main>
  );
}

function EventCard(props: { event: EventMarket }) {
  const { event } = props;
  return (
    <article class={`card ${event.settled ? "settled" : ""}`} aria-label={event.name} data-testid="event" data-event={event.name}>
      <header>
        <h2>{event.name}</h2>
        <span class="state">{event.settled ? "settled" : "open"}</span>
      </header>
      <table>
        <thead><tr><th>outcome</th><th class="num">probability</th><th class="num">bid</th><th class="num">ask</th><th class="num wide">volume</th><th class="num">yours</th></tr></thead>
        <tbody>{event.symbols.map((symbol, at) => <OutcomeRow key={symbol} event={event} symbol={symbol} outcome={event.outcomes[at] ?? symbol} />)}</tbody>
      </table>
      {!event.settled && mayTrade.value && <Sets event={event} />}
      {!event.settled && isAdmin.value && <Settlement event={event} />}
      <footer class="foot">
        <span>in {event.currency ?? "–"}, tick {event.tick_size}</span>
        <span>fees {event.maker_fee_bps ?? 0} / {event.taker_fee_bps ?? 0} bps</span>
      </footer>
    </article>
  );
}

function OutcomeRow(props: { event: EventMarket; symbol: string; outcome: string }) {
  const now = tickers.value.get(props.symbol);
  const scale = scaleOf(props.event.tick_size);
  const chance = probability(now);
  const held = balances.value.balances.find((balance) => balance.asset === props.symbol)?.total;
  return (
    <tr data-outcome={props.outcome}>
      <td><a href={`#/trade/${encodeURIComponent(props.symbol)}`}>{props.outcome}</a></td>
      <td class="num chance"><i style={{ transform: `scaleX(${chance ?? 0})` }} /><strong>{chance === null ? "–" : `${(chance * 100).toFixed(1)} %`}</strong></td>
      <td class="num buy">{fixed(now?.best_bid, scale)}</td>
      <td class="num sell">{fixed(now?.best_ask, scale)}</td>
      <td class="num wide">{fixed(now?.volume, scaleOf(props.event.lot_size))}</td>
      <td class="num">{held === undefined ? "–" : fixed(held, scaleOf(props.event.lot_size))}</td>
    </tr>
  );
}

/** The middle of the spread; where a side is missing, the last price. */
export function probability(ticker: Ticker | undefined): number | null {
  if (ticker === undefined) return null;
  const price = ticker.best_bid !== null && ticker.best_ask !== null
    ? (Number(ticker.best_bid) + Number(ticker.best_ask)) / 2
    : ticker.last_price === null ? null : Number(ticker.last_price);
  return price === null ? null : Math.min(1, Math.max(0, price));
}

/** One of each outcome is worth 1: minted from money, redeemed for it. */
function Sets(props: { event: EventMarket }) {
  const { event } = props;
  const [quantity, setQuantity] = useState("1");
  const [problem, setProblem] = useState<Problem | null>(null);
  const move = async (kind: "mint" | "redeem"): Promise<void> => {
    setProblem(null);
    try {
      await api.moveSets(event.name, kind, account.value ?? "", quantity.trim());
      notify("done", `${kind === "mint" ? "Minted" : "Redeemed"} ${quantity} of ${event.name}`);
      if (account.value !== null) balances.value = await api.balances(account.value);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const units = parseUnits(quantity, scaleOf(event.lot_size));
  const isBad = units === null || units <= 0n;
  return (
    <form class="line-form" aria-label={`Full sets of ${event.name}`} onSubmit={(submitted) => submitted.preventDefault()}>
      <label>Full sets <input value={quantity} inputMode="decimal" aria-invalid={isBad} onInput={(input) => setQuantity(input.currentTarget.value)} /></label>
      <button type="button" disabled={isBad} onClick={() => void move("mint")}>Mint</button>
      <button type="button" disabled={isBad} onClick={() => void move("redeem")}>Redeem</button>
      <Refusal problem={problem} />
    </form>
  );
}

/** Ends the event: asks once more, because nothing undoes it. */
function Settlement(props: { event: EventMarket }) {
  const { event } = props;
  const [outcome, choose] = useState("");
  const [isAsking, ask] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const settle = async (): Promise<void> => {
    if (!isAsking) return ask(true);
    ask(false);
    setProblem(null);
    try {
      await api.settle(event.name, outcome);
      notify("done", `${event.name} is settled: ${outcome} pays 1`);
      await Promise.all([load(), loadVenue()]);
      if (account.value !== null) balances.value = await api.balances(account.value);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <form class="line-form" aria-label={`Settlement of ${event.name}`} onSubmit={(submitted) => { submitted.preventDefault(); void settle(); }}>
      <label>Settle for{" "}
        <select value={outcome} onChange={(change) => { choose(change.currentTarget.value); ask(false); }}>
          <option value="">choose…</option>
          {event.outcomes.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
      <button type="submit" class={isAsking ? "danger" : ""} disabled={outcome === ""}>
        {isAsking ? `Really: ${words(outcome)} pays, the rest is worth nothing` : "Settle"}
      </button>
      <Refusal problem={problem} />
    </form>
  );
}
