// The bar at the top: where we are, what the market does, and whether what is seen is live.

import { fixed, scaleOf, textOf, unitsOf } from "../market/decimal.ts";
import { dialog, theme, toggleTheme } from "../state/look.ts";
import { linkProblem, linkState, retryAt, roundTripMs } from "../state/link.ts";
import { bookHealth, ticker } from "../state/market.ts";
import { account, accounts, chooseAccount, instrument, isVenueKnown, page, priceScale, quantityScale, symbol, type Page } from "../state/venue.ts";
import { words } from "../state/ticket.ts";
import { useEffect, useState } from "preact/hooks";

const PAGES: readonly (readonly [Page, string])[] = [["trade", "Trade"], ["events", "Events"], ["system", "System"]];

export function Header() {
  return (
    <header class="top">
      <div class="top-row">
        <a class="brand" href="#/trade" aria-label="AeroMatch, trade">
          <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M2 14h5v-5h5V4h6" /><path class="base" d="M2 18h16" /></svg>
          <span>AeroMatch</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, text]) => (
            <a key={name} href={name === "trade" && symbol.value ? `#/trade/${encodeURIComponent(symbol.value)}` : `#/${name}`}
              aria-current={page.value === name ? "page" : undefined}>{text}</a>
          ))}
          <a href="/docs">API</a>
        </nav>
      </div>
      {page.value === "trade" && <MarketLine />}
      <div class="top-end">
        <LinkLight />
        {accounts.value.length > 0 && (
          <label class="account">
            <span class="sr">Account</span>
            <select id="account" value={account.value ?? ""} onChange={(event) => chooseAccount(event.currentTarget.value)}>
              {accounts.value.map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          </label>
        )}
        <button type="button" class="icon" id="theme" onClick={toggleTheme}
          aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"} title="Colours (t)">
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
        <button type="button" class="icon" id="help" aria-label="Help and keys" title="Help and keys (?)"
          onClick={() => (dialog.value = "help")}>?</button>
      </div>
    </header>
  );
}

function MarketLine() {
  // Of a market that is not there nothing is told, least of all what the one before it did.
  const now = instrument.value === null ? null : ticker.value;
  const scale = priceScale.value;
  return (
    <div class="market-line">
      <button type="button" class="symbol" id="symbol" title="Choose a market (/)" aria-haspopup="dialog"
        onClick={() => (dialog.value = "symbols")}>
        {symbol.value ?? "no market"} <span aria-hidden="true">▾</span>
      </button>
      <strong class="last" data-testid="last-price">{fixed(now?.last_price, scale)}</strong>
      <Change first={now?.open_price ?? null} last={now?.last_price ?? null} />
      <dl class="facts">
        <div><dt>24 h high</dt><dd>{fixed(now?.high_price, scale)}</dd></div>
        <div><dt>low</dt><dd>{fixed(now?.low_price, scale)}</dd></div>
        <div><dt>volume</dt><dd>{fixed(now?.volume, quantityScale.value)}</dd></div>
        <div><dt>phase</dt><dd>{words(now?.phase ?? instrument.value?.phase ?? "–")}</dd></div>
      </dl>
    </div>
  );
}

/** The change of a day, in per cent with two digits; exact until it is rounded. */
export function Change(props: { first: string | null; last: string | null }) {
  const { first, last } = props;
  if (first === null || last === null) return <span class="change">–</span>;
  const scale = Math.max(scaleOf(first), scaleOf(last));
  const from = unitsOf(first, scale);
  const by = unitsOf(last, scale) - from;
  if (from === 0n) return <span class="change">–</span>;
  const bps = (by * 10_000n) / (from < 0n ? -from : from);
  return <span class={`change ${by < 0n ? "sell" : by > 0n ? "buy" : ""}`}>{by > 0n ? "+" : ""}{textOf(bps, 2)}%</span>;
}

function LinkLight() {
  const state = linkState.value;
  // Of a market that is not there no book will come.
  const bookState = page.value === "trade" && instrument.value !== null ? bookHealth.value.state : "synced";
  const told = isVenueKnown.value ? bookState : "loading";
  const isLive = state === "online" && told === "synced";
  const text = state !== "online" ? state : isLive ? "live" : told;
  const trip = roundTripMs.value;
  return (
    <span class={`link ${isLive ? "live" : state}`} data-testid="link" title="Connection to the server; round trip of its heartbeat">
      <i aria-hidden="true" /> {text}
      <span class="trip">{state === "online" && trip !== null ? `${trip < 10 ? trip.toFixed(1) : Math.round(trip)} ms` : ""}</span>
    </span>
  );
}

/** Tells that what is shown is old, and when the next attempt comes. It lies over the page: nothing moves. */
export function Banner() {
  const [, tick] = useState(0);
  const isDown = linkState.value !== "online";
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!isDown) return undefined;
    // A connection that stands within half a second deserves no alarm.
    const timer = setTimeout(() => setLong(true), 500);
    const clock = setInterval(() => tick((count) => count + 1), 250);
    return () => {
      clearTimeout(timer);
      clearInterval(clock);
    };
  }, [isDown]);
  const wait = retryAt.value === null ? 0 : Math.max(0, Math.ceil((retryAt.value - Date.now()) / 1000));
  return (
    <div class="banner" role="status" aria-live="polite" hidden={!isDown || !isLong} data-testid="banner">
      <strong>No connection.</strong> {linkProblem.value?.detail} What you see is from before. {wait > 0 ? `Trying again in ${wait} s.` : "Connecting…"}
    </div>
  );
}

