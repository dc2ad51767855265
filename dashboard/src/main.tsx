// The dashboard: made of the public API and nothing else.

import { render } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { token } from "./api/session.ts";
import { followAccount } from "./state/account.ts";
import { startKeys } from "./state/keys.ts";
import { connections, isOnline, startLink } from "./state/link.ts";
import { startLook } from "./state/look.ts";
import { follow, ticker } from "./state/market.ts";
import { EMPTY_TICKET } from "./market/ticket.ts";
import { problemOf, sentenceOf, ticket, touched } from "./state/ticket.ts";
import { account, instrument, loadVenue, page, priceScale, readAddress, symbol, venueProblem } from "./state/venue.ts";
import { fixed } from "./market/decimal.ts";
import { Chart } from "./views/chart.tsx";
import { Depth } from "./views/depth.tsx";
import { Dialogs, Notices } from "./views/dialogs.tsx";
import { Events } from "./views/events.tsx";
import { Banner, Header } from "./views/header.tsx";
import { Ladder } from "./views/ladder.tsx";
import { Orders } from "./views/orders.tsx";
import { System } from "./views/system.tsx";
import { Tape } from "./views/tape.tsx";
import { OrderTicket } from "./views/ticket.tsx";

function App() {
  useEffect(() => {
    // The venue is asked anew with each connection and each token: instruments may have come in between.
    loadVenue().catch((error) => (venueProblem.value = sentenceOf(problemOf(error))));
  }, [connections.value, token.value]);
  const market = instrument.value?.symbol ?? null;
  // Before the next key arrives: what is typed into the new market's ticket stays.
  useLayoutEffect(() => {
    if (market === null) return undefined;
    ticket.value = { ...EMPTY_TICKET, side: ticket.value.side };
    touched.value = new Set();
    return follow(market);
  }, [market]);
  useEffect(() => (market === null ? undefined : followAccount(account.value)), [account.value, market === null]);
  const last = ticker.value?.last_price;
  useEffect(() => {
    document.title = page.value === "trade" && market !== null ? `${fixed(last, priceScale.value)} ${market} · AeroMatch` : "AeroMatch";
  }, [last, market, page.value]);
  return (
    <>
      <a class="skip" href="#main">To the content</a>
      <Header />
      <Banner />
      {page.value === "trade" && <Trade />}
      {page.value === "events" && <Events />}
      {page.value === "system" && <System />}
      <Notices />
      <Dialogs />
    </>
  );
}

function Trade() {
  if (instrument.value === null) {
    const text = venueProblem.value ?? (symbol.value === null ? "Loading…" : `There is no market ${symbol.value} here.`);
    return <main class="page" id="main"><p class="empty-note">{text}</p></main>;
  }
  return (
    <main class={`trade ${isOnline.value ? "" : "offline"}`} id="main">
      <Chart />
      <Depth />
      <Ladder />
      <div class="side">
        <OrderTicket />
        <Tape />
      </div>
      <Orders />
    </main>
  );
}

startLook();
readAddress();
addEventListener("hashchange", readAddress);
startKeys();
startLink();
render(<App />, document.getElementById("app")!);
