// The account's own: open orders (amend, cancel), fills, what ended, and balances.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/rest.ts";
import type { Order } from "../api/schema.ts";
import { checkAmend } from "../market/ticket.ts";
import { fixed, parseUnits, shortTextOf } from "../market/decimal.ts";
import { balances, doneOrders, fills, liveOrders, notify, scalesOf, tookPlace } from "../state/account.ts";
import { isOnline } from "../state/link.ts";
import { problemOf, sentenceOf, words } from "../state/ticket.ts";
import { account, instruments, symbol } from "../state/venue.ts";
import { clock, useSize } from "./parts.tsx";

const TABS = ["open", "fills", "history", "balances"] as const;
type Tab = (typeof TABS)[number];
export const tab = signal<Tab>("open");

export function Orders() {
  const counts: Record<Tab, number> = {
    open: liveOrders.value.size, fills: fills.value.length, history: doneOrders.value.length,
    balances: balances.value.balances.length + balances.value.positions.length,
  };
  const [body] = useSize<HTMLDivElement>();
  const move = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? TABS.length - 1 : 0;
    if (by === 0) return;
    tab.value = TABS[(TABS.indexOf(tab.value) + by) % TABS.length]!;
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  return (
    <section class="panel area-orders" aria-label="Orders and balances">
      <header class="panel-head">
        <div role="tablist" aria-label="Orders and balances" class="tabs" onKeyDown={move}>
          {TABS.map((name) => (
            <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab.value === name}
              aria-controls="orders-body" tabIndex={tab.value === name ? 0 : -1} onClick={() => (tab.value = name)}>
              {name === "open" ? "Open orders" : name[0]!.toUpperCase() + name.slice(1)} <span class="count">{counts[name]}</span>
            </button>
          ))}
        </div>
        <div class="panel-aside">{tab.value === "open" && <CancelAll />}</div>
      </header>
      <div ref={body} class="table-box" id="orders-body" role="tabpanel" aria-labelledby={`tab-${tab.value}`} tabIndex={0}>
        {tab.value === "open" && <OpenOrders />}
        {tab.value === "fills" && <Fills />}
        {tab.value === "history" && <History />}
        {tab.value === "balances" && <Balances />}
      </div>
    </section>
  );
}

/** Cancels the market's own orders; asks once by changing its words. */
function CancelAll() {
  const [isAsking, ask] = useState(false);
  const mine = [...liveOrders.value.values()].filter((order) => order.symbol === symbol.value);
  useEffect(() => {
    if (!isAsking) return undefined;
    const timer = setTimeout(() => ask(false), 4_000);
    return () => clearTimeout(timer);
  }, [isAsking]);
  const press = (): void => {
    if (!isAsking) return ask(true);
    ask(false);
    void cancelAll();
  };
  return (
    <button type="button" class={isAsking ? "danger" : ""} id="cancel-all" disabled={mine.length === 0 || !isOnline.value} onClick={press}>
      {isAsking ? `Really cancel ${mine.length}?` : `Cancel all ${symbol.value ?? ""}`}
    </button>
  );
}

async function cancelAll(): Promise<void> {
  try {
    const { canceled } = await api.cancelAll(account.value, symbol.value);
    notify("done", `${canceled} ${canceled === 1 ? "order" : "orders"} canceled`);
  } catch (error) {
    notify("bad", `Not canceled: ${sentenceOf(problemOf(error))}`);
  }
}

function OpenOrders() {
  const [amending, amend] = useState<string | null>(null);
  const orders = [...liveOrders.value.values()].sort((a, b) => b.created_at - a.created_at);
  if (orders.length === 0) return <Empty text="No open orders. What you place appears here, and as a mark in the ladder." />;
  return (
    <table data-testid="open-orders">
      <thead>
        <tr>
          <th class="wide">time</th><th>market</th><th>side</th><th class="wide">type</th><th class="num">price</th>
          <th class="num">filled / quantity</th><th class="wide">in force</th><th class="wide">status</th><th><span class="sr">actions</span></th>
        </tr>
      </thead>
      <tbody>
        {orders.map((order) => amending === order.order_id
          ? <AmendRow key={order.order_id} order={order} onDone={() => amend(null)} />
          : <OrderRow key={order.order_id} order={order} onAmend={() => amend(order.order_id)} />)}
      </tbody>
    </table>
  );
}

function OrderRow(props: { order: Order; onAmend(): void }) {
  const { order } = props;
  const [isBusy, setBusy] = useState(false);
  const what = `${order.side} ${order.quantity} ${order.symbol}`;
  const cancel = async (): Promise<void> => {
    setBusy(true);
    try {
      tookPlace(await api.cancel(order.order_id));
    } catch (error) {
      notify("bad", `Not canceled: ${sentenceOf(problemOf(error))}`);
      setBusy(false);
    }
  };
  return (
    <tr data-order={order.order_id}>
      <td class="wide">{clock(order.created_at)}</td>
      <td>{order.symbol}</td>
      <td class={order.side}>{order.side}</td>
      <td class="wide">{kindOf(order)}</td>
      <td class="num">{priceOf(order)}</td>
      <Progress order={order} />
      <td class="wide">{order.time_in_force ?? ""}{order.expire_at ? ` ${clock(order.expire_at)}` : ""}</td>
      <td class="wide">{words(order.status)}</td>
      <td class="actions">
        <button type="button" aria-label={`Amend ${what}`} disabled={isBusy || !isOnline.value} onClick={props.onAmend}>Amend</button>
        <button type="button" aria-label={`Cancel ${what}`} disabled={isBusy || !isOnline.value} onClick={() => void cancel()}>Cancel</button>
      </td>
    </tr>
  );
}

function AmendRow(props: { order: Order; onDone(): void }) {
  const { order } = props;
  const known = instruments.value.find((entry) => entry.symbol === order.symbol)!;
  const [price, setPrice] = useState(order.price);
  const [quantity, setQuantity] = useState(order.quantity);
  const [problem, setProblem] = useState("");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.select(), []);
  const save = async (): Promise<void> => {
    const checked = checkAmend(price, quantity, known);
    const [wrong] = Object.entries(checked.errors);
    if (wrong !== undefined) return setProblem(`${wrong[0]} ${wrong[1]}`);
    try {
      tookPlace(await api.amend(order.order_id, {
        quantity: checked.quantity, ...(checked.price === null ? {} : { price: checked.price }),
      }));
      props.onDone();
    } catch (error) {
      setProblem(sentenceOf(problemOf(error)));
    }
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Enter") void save();
    if (event.key === "Escape") props.onDone();
    event.stopPropagation();
  };
  return (
    <tr data-order={order.order_id} class="amending" onKeyDown={keys}>
      <td class="wide">{clock(order.created_at)}</td>
      <td>{order.symbol}</td>
      <td class={order.side}>{order.side}</td>
      <td class="wide">{kindOf(order)}</td>
      <td class="num">
        {price === null ? "–" : <input aria-label="New price" ref={first} value={price} inputMode="decimal" onInput={(event) => setPrice(event.currentTarget.value)} />}
      </td>
      <td class="num">
        <input aria-label="New quantity" value={quantity} inputMode="decimal" onInput={(event) => setQuantity(event.currentTarget.value)} />
      </td>
      <td colSpan={2} class="wide error" role="alert">{problem || "The new quantity counts what is filled."}</td>
      <td class="actions">
        <button type="button" onClick={() => void save()}>Save</button>
        <button type="button" onClick={props.onDone}>Leave</button>
      </td>
    </tr>
  );
}

function Fills() {
  if (fills.value.length === 0) return <Empty text="No fills since this page was opened. What traded before is in the history." />;
  return (
    <table data-testid="fills">
      <thead><tr><th>time</th><th>market</th><th>side</th><th class="num">price</th><th class="num">quantity</th><th class="wide">liquidity</th><th class="num wide">trade</th></tr></thead>
      <tbody>
        {fills.value.map((fill) => {
          const scales = scalesOf(fill.order.symbol);
          return (
            <tr key={`${fill.order.order_id}/${fill.trade_id}`}>
              <td>{clock(fill.timestamp)}</td><td>{fill.order.symbol}</td><td class={fill.order.side}>{fill.order.side}</td>
              <td class="num">{fixed(fill.price, scales.price)}</td><td class="num">{fixed(fill.quantity, scales.quantity)}</td>
              <td class="wide">{fill.liquidity}</td><td class="num wide">{fill.trade_id}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function History() {
  if (doneOrders.value.length === 0) return <Empty text="No order of this account has ended yet." />;
  return (
    <table data-testid="history">
      <thead>
        <tr><th>time</th><th>market</th><th>side</th><th class="wide">type</th><th class="num">price</th><th class="num">filled / quantity</th>
          <th class="num wide">average</th><th>ended</th></tr>
      </thead>
      <tbody>
        {doneOrders.value.map((order) => (
          <tr key={order.order_id}>
            <td>{clock(order.updated_at)}</td><td>{order.symbol}</td><td class={order.side}>{order.side}</td>
            <td class="wide">{kindOf(order)}</td><td class="num">{priceOf(order)}</td><Progress order={order} />
            <td class="num wide">{fixed(order.average_price, scalesOf(order.symbol).price)}</td>
            <td>{order.status === "filled" ? "filled" : words(order.reason ?? order.status)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Balances() {
  const { balances: held, positions } = balances.value;
  if (held.length === 0 && positions.length === 0) return <Empty text="This account has no money and has not traded." />;
  return (
    <div class="two-tables" data-testid="balances">
      {held.length > 0 && (
        <table>
          <thead><tr><th>asset</th><th class="num">available</th><th class="num">in orders</th><th class="num">total</th><th class="wide">group</th></tr></thead>
          <tbody>
            {held.map((balance) => (
              <tr key={`${balance.group}/${balance.asset}`}>
                <td>{balance.asset}</td><td class="num">{fixed(balance.available, 4)}</td><td class="num">{fixed(balance.held, 4)}</td>
                <td class="num">{fixed(balance.total, 4)}</td><td class="wide">{balance.group}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {positions.length > 0 && (
        <table>
          <thead><tr><th>market</th><th class="num">position</th><th class="num wide">bought for</th><th class="num wide">sold for</th><th class="num">fees</th></tr></thead>
          <tbody>
            {positions.map((position) => (
              <tr key={position.symbol}>
                <td>{position.symbol}</td><td class="num">{fixed(position.quantity, scalesOf(position.symbol).quantity)}</td>
                <td class="num wide">{fixed(position.bought_notional, 2)}</td><td class="num wide">{fixed(position.sold_notional, 2)}</td>
                <td class="num">{fixed(position.fees, 4)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Empty(props: { text: string }) {
  return <p class="empty-note">{props.text}</p>;
}

/** How far an order is, as numbers and as a bar. */
function Progress(props: { order: Order }) {
  const { order } = props;
  const scale = scalesOf(order.symbol).quantity;
  const [done, all] = [parseUnits(order.filled_quantity, scale), parseUnits(order.quantity, scale)];
  const share = done === null || all === null || all === 0n ? 0 : Number((done * 1000n) / all) / 1000;
  const short = (units: bigint | null, text: string): string => (units === null ? text : shortTextOf(units, scale));
  return (
    <td class="num progress">
      {short(done, order.filled_quantity)} / {short(all, order.quantity)}
      <i style={{ transform: `scaleX(${share})` }} />
    </td>
  );
}

function priceOf(order: Order): string {
  const scale = scalesOf(order.symbol).price;
  const limit = order.price === null ? "" : fixed(order.price, scale);
  if (order.stop_price !== null && order.status === "dormant") return `${fixed(order.stop_price, scale)} → ${limit || "market"}`;
  return limit || "market";
}

function kindOf(order: Order): string {
  const marks = [
    order.post_only === true ? "post only" : order.post_only === "slide" ? "post, slide" : "",
    order.display_quantity === null ? "" : order.display_quantity === "0" ? "hidden" : "iceberg",
  ].filter((mark) => mark !== "");
  return [words(order.type), ...marks].join(", ");
}
