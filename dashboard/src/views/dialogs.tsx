// What opens over the page: the choice of a market, help, and the token.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/rest.ts";
import { token, tokenProblem, tokenWanted, useToken } from "../api/session.ts";
import type { Ticker } from "../api/schema.ts";
import { fixed, scaleOf } from "../market/decimal.ts";
import licenses from "../licenses.txt?url";
import { notices } from "../state/account.ts";
import { SHORTCUTS } from "../state/keys.ts";
import { dialog } from "../state/look.ts";
import { goTo, instruments, isVenueKnown, symbol } from "../state/venue.ts";
import { Change } from "./header.tsx";

/** The browser's own dialog: it keeps the focus inside, and Escape closes it. */
function Dialog(props: { title: string; onClose(): void; children: ComponentChildren; class?: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  // Before the next key arrives: whoever types "/eth" means the field.
  useLayoutEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} class={props.class} aria-label={props.title} onClose={props.onClose}
      onClick={(event) => event.target === ref.current && ref.current?.close()}>
      <div class="dialog-body">
        <header>
          <h2>{props.title}</h2>
          <button type="button" class="icon" aria-label="Close" onClick={() => ref.current?.close()}>✕</button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

export function Dialogs() {
  const close = (): void => void (dialog.value = null);
  if (tokenWanted.value || dialog.value === "token") return <TokenDialog />;
  if (dialog.value === "help") return <Help onClose={close} />;
  if (dialog.value === "symbols") return <SymbolPicker onClose={close} />;
  return null;
}

function SymbolPicker(props: { onClose(): void }) {
  const [sought, seek] = useState("");
  const [at, move] = useState(0);
  const [tickers, setTickers] = useState<ReadonlyMap<string, Ticker>>(new Map());
  useEffect(() => {
    void api.tickers().then((all) => setTickers(new Map(all.map((ticker) => [ticker.symbol, ticker]))), () => undefined);
  }, []);
  const found = instruments.value.filter((known) => known.symbol.toLowerCase().includes(sought.trim().toLowerCase()));
  const choose = (name: string | undefined): void => {
    if (name === undefined) return;
    goTo("trade", name);
    props.onClose();
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") move(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") move(Math.max(at - 1, 0));
    else if (event.key === "Enter") choose(found[at]?.symbol);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Choose a market" onClose={props.onClose} class="picker">
      <input class="search" type="text" placeholder="Part of its name" aria-label="Part of the market's name" autofocus value={sought}
        role="combobox" aria-expanded="true" aria-controls="symbol-list" aria-activedescendant={`symbol-${at}`} onKeyDown={keys}
        onInput={(event) => { seek(event.currentTarget.value); move(0); }} />
      <ul id="symbol-list" role="listbox" aria-label="Markets">
        {found.map((known, index) => {
          const now = tickers.get(known.symbol);
          return (
            <li key={known.symbol} id={`symbol-${index}`} role="option" aria-selected={index === at} onClick={() => choose(known.symbol)}>
              <strong class={known.symbol === symbol.value ? "current" : ""}>{known.symbol}</strong>
              <span class="num">{fixed(now?.last_price, scaleOf(known.tick_size))}</span>
              <Change first={now?.open_price ?? null} last={now?.last_price ?? null} />
              <span class="state">{known.event === null ? "" : "event"}</span>
            </li>
          );
        })}
        {found.length === 0 && <li class="empty-note">{isVenueKnown.value ? "No market has this in its name." : "Loading…"}</li>}
      </ul>
    </Dialog>
  );
}

function Help(props: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={props.onClose}>
      <dl class="keys">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={keys}><dt>{keys.split(" ").map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{does}</dd></div>
        ))}
      </dl>
      <p>A click on a row of the ladder takes its price into the ticket; with Shift the quantity down to there too, and the
        side that would take it. Times are this computer's; decimals are exact.</p>
      <p class="state">The API that this page uses is described at <a href="/docs">/docs</a>. {token.value !== null && (
        <button type="button" onClick={() => { useToken(null); props.onClose(); }}>Forget the token</button>)}</p>
      <p class="state">Charts: TradingView Lightweight Charts™, Copyright © 2025 TradingView, Inc.,{" "}
        <a href="https://www.tradingview.com/" rel="noreferrer noopener" target="_blank">tradingview.com</a>, Apache License 2.0.{" "}
        <a href={licenses} target="_blank">Licences</a> of all that is in this page.</p>
    </Dialog>
  );
}

function TokenDialog() {
  const [text, setText] = useState("");
  const close = (): void => {
    tokenWanted.value = false;
    dialog.value = null;
  };
  return (
    <Dialog title="This server asks who you are" onClose={close}>
      <form class="token" onSubmit={(event) => { event.preventDefault(); if (text.trim() !== "") { useToken(text.trim()); close(); } }}>
        <label>Token, as <code>key id.secret</code>
          <input type="password" id="token" autocomplete="off" autofocus value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <p class="state">It is kept in this tab until the tab is closed, and sent to this server alone. <code>aeromatch keys</code> makes one.</p>
        {tokenProblem.value !== null && <p class="error" role="alert">{tokenProblem.value}</p>}
        <button type="submit" class="primary">Use it</button>
      </form>
    </Dialog>
  );
}

/** What just happened, told aloud too. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite" aria-label="What happened" data-testid="notices">
      {notices.value.map((notice) => <p key={notice.id} class={notice.kind}>{notice.text}</p>)}
    </div>
  );
}
