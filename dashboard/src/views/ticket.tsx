// The order ticket: every type and time in force, checked as it is typed.

import type { ComponentChildren } from "preact";
import { ORDER_TYPES, SELF_TRADE_MODES, type Instrument, type OrderType, type Side, type TimeInForce } from "../api/schema.ts";
import { sweep } from "../market/book.ts";
import { fixed, parseUnits, textOf } from "../market/decimal.ts";
import { boundsFor, hasLimit, hasStop, hasTrail, timesFor, type Field, type Ticket } from "../market/ticket.ts";
import { balances } from "../state/account.ts";
import { isOnline } from "../state/link.ts";
import { book, ticker } from "../state/market.ts";
import { edit, errors, place, placing, refusal, ticket, touch, words } from "../state/ticket.ts";
import { account, instrument, mayTrade, priceScale, quantityScale } from "../state/venue.ts";
import { Choice, Panel, Refusal } from "./parts.tsx";

const TIF_NAMES: readonly (readonly [TimeInForce, string])[] = [
  ["gtc", "GTC: until canceled"],
  ["day", "DAY: until the close"],
  ["gtd", "GTD: until a time"],
  ["ioc", "IOC: now, the rest is canceled"],
  ["fok", "FOK: all now or nothing"],
  ["aon", "AON: all at once, may wait"],
];

export function OrderTicket() {
  const known = instrument.value;
  return (
    <Panel title="Order" area="ticket" aside={known === null ? null : <span>tick {known.tick_size} · lot {known.lot_size}</span>}>
      {known === null ? null : <Form instrument={known} />}
    </Panel>
  );
}

function Form(props: { instrument: Instrument }) {
  const now = ticket.value;
  const { instrument: known } = props;
  return (
    <form class="ticket" noValidate data-side={now.side} aria-label="Order ticket"
      onSubmit={(event) => {
        event.preventDefault();
        void place();
      }}>
      <Choice<Side> label="Side" class="sides" value={now.side} onChange={(side) => edit({ side })}
        options={[["buy", "Buy"], ["sell", "Sell"]]} />
      <Choose field="type" label="Type" value={now.type} onChange={(type) => edit({ type: type as OrderType })}
        options={ORDER_TYPES.map((type) => [type, words(type)] as const)} />
      {hasStop(now.type) && <Entry field="stop_price" label="Stop price" unit={known.quote} step={known.tick_size} />}
      {hasTrail(now.type) && <TrailFields unit={known.quote} />}
      {hasLimit(now.type) && <Entry field="price" label="Price" unit={known.quote} step={known.tick_size} />}
      <Entry field="quantity" label="Quantity" unit={known.base} step={known.lot_size} />
      {now.type === "market" && <BoundFields instrument={known} />}
      <Choose field="time_in_force" label="In force" value={now.time_in_force}
        options={TIF_NAMES.filter(([force]) => timesFor(now.type).includes(force))}
        onChange={(value) => edit({ time_in_force: value as TimeInForce })} />
      {now.time_in_force === "gtd" && <Entry field="expire_at" label="Until" type="datetime-local" />}
      <More type={now.type} />
      <Estimate />
      <button type="submit" class={`place ${now.side}`} disabled={placing.value || !mayTrade.value || !isOnline.value} data-testid="place">
        {placing.value ? "Placing…" : `${now.side === "buy" ? "Buy" : "Sell"} ${known.symbol}`}
      </button>
      <Refusal problem={refusal.value} />
    </form>
  );
}

/** What few orders need. */
function More(props: { type: OrderType }) {
  const now = ticket.value;
  return (
    <details>
      <summary>More</summary>
      {props.type === "limit" && (
        <Choose field="post_only" label="Post only" value={now.post_only} onChange={(value) => edit({ post_only: value as Ticket["post_only"] })}
          options={[["no", "no"], ["yes", "reject if it would take"], ["slide", "slide behind"]]} />
      )}
      {hasLimit(props.type) && <Entry field="display_quantity" label="Show only" placeholder="all; 0 hides it" />}
      <Entry field="min_quantity" label="At least" placeholder="any quantity" />
      <Choose field="self_trade_prevention" label="Self-trade" value={now.self_trade_prevention}
        onChange={(value) => edit({ self_trade_prevention: value as Ticket["self_trade_prevention"] })}
        options={[["", "as the market"], ...SELF_TRADE_MODES.map((mode) => [mode, words(mode)] as const)]} />
      <Entry field="self_trade_group" label="Owner group" placeholder="none" />
    </details>
  );
}

function TrailFields(props: { unit: string | null }) {
  const now = ticket.value;
  return (
    <>
      <Choose field="trail_unit" label="Trail by" value={now.trail_unit} options={[["price", "price"], ["bps", "basis points"]]}
        onChange={(value) => edit({ trail_unit: value as Ticket["trail_unit"] })} />
      <Entry field="trail" label="Offset" unit={now.trail_unit === "bps" ? "bps" : props.unit} />
    </>
  );
}

const BOUND_NAMES: Record<Ticket["bound"], string> = { none: "nothing", protection_price: "worst price", budget: "budget" };

function BoundFields(props: { instrument: Instrument }) {
  const now = ticket.value;
  return (
    <>
      <Choose field="bound" label="Limit by" value={now.bound} onChange={(value) => edit({ bound: value as Ticket["bound"] })}
        options={boundsFor(now.side, props.instrument).map((bound) => [bound, BOUND_NAMES[bound]] as const)} />
      {now.bound !== "none" && <Entry field="bound_value" label={now.bound === "budget" ? "Budget" : "Worst price"} unit={props.instrument.quote} />}
    </>
  );
}

/** A field: its label, its input, and what is wrong with it in a line that is always there. */
function Entry(props: {
  field: Field; label: string; unit?: string | null; placeholder?: string; type?: "datetime-local"; step?: string;
}) {
  const { field } = props;
  const error = errors.value[field];
  const shared = {
    id: `ticket-${field}`,
    name: field,
    autocomplete: "off",
    spellcheck: false,
    placeholder: props.placeholder ?? "",
    value: ticket.value[field],
    "aria-invalid": error !== undefined,
    "aria-describedby": `ticket-${field}-error`,
    onInput: (event: { currentTarget: HTMLInputElement }) => edit({ [field]: event.currentTarget.value }),
    onKeyDown: (event: KeyboardEvent) => props.step !== undefined && nudge(event, field, props.step),
    onBlur: (event: { currentTarget: HTMLInputElement }) => event.currentTarget.value !== "" && touch(field),
  };
  return (
    <Labeled field={field} label={props.label} error={error}>
      {props.type === undefined ? <input type="text" inputMode="decimal" {...shared} /> : <input type={props.type} {...shared} />}
      {props.unit && <span class="unit">{props.unit}</span>}
    </Labeled>
  );
}

/** Up and down move a value by its step, ten of them with Shift. */
function nudge(event: KeyboardEvent, field: Field, stepText: string): void {
  const direction = event.key === "ArrowUp" ? 1n : event.key === "ArrowDown" ? -1n : 0n;
  if (direction === 0n) return;
  const scale = field === "quantity" ? quantityScale.value : priceScale.value;
  const units = parseUnits(ticket.value[field] || "0", scale);
  const step = parseUnits(stepText, scale);
  if (units === null || step === null) return;
  event.preventDefault();
  const next = units + direction * step * (event.shiftKey ? 10n : 1n);
  edit({ [field]: textOf(field === "quantity" && next < 0n ? 0n : next, scale) });
}

function Choose(props: {
  field: Field; label: string; value: string; options: readonly (readonly [string, string])[]; onChange(value: string): void;
}) {
  return (
    <Labeled field={props.field} label={props.label} error={errors.value[props.field]}>
      <select id={`ticket-${props.field}`} name={props.field} value={props.value} aria-describedby={`ticket-${props.field}-error`} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </Labeled>
  );
}

function Labeled(props: { field: Field; label: string; error: string | undefined; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={`ticket-${props.field}`}>{props.label}</label>
      <div class="control">{props.children}</div>
      <p class="error" id={`ticket-${props.field}-error`} aria-live="polite">{props.error === undefined ? "" : `${props.label} ${props.error}`}</p>
    </div>
  );
}

/** What the order is worth, or what it would find in the book; and what there is to pay it with. */
function Estimate() {
  const now = ticket.value;
  const known = instrument.value;
  const paid = now.side === "buy" ? known?.quote : known?.base;
  const held = balances.value.balances.find((balance) => balance.asset === paid && (known?.group == null || balance.group === known.group));
  return (
    <dl class="estimate">
      <div><dt>{now.type === "market" ? "About" : "Value"}</dt><dd data-testid="estimate">{worth(now)}</dd></div>
      <div><dt>{paid ? `Available ${paid}` : "Account"}</dt><dd>{paid ? (held ? fixed(held.available, 4) : "0") : (account.value ?? "–")}</dd></div>
    </dl>
  );
}

function worth(now: Ticket): string {
  const quantity = parseUnits(now.quantity, quantityScale.value);
  if (quantity === null || quantity <= 0n) return "–";
  const scale = priceScale.value + quantityScale.value;
  const show = (units: bigint): string => fixed(textOf(units, scale), Math.min(scale, 4));
  if (hasLimit(now.type)) {
    const price = parseUnits(now.price, priceScale.value);
    return price === null ? "–" : show(price * quantity);
  }
  if (now.type !== "market") {
    const last = ticker.value?.last_price;
    const price = parseUnits(now.stop_price || last || "", priceScale.value);
    return price === null ? "–" : show(price * quantity);
  }
  const levels = book.value.levels?.side(now.side === "buy" ? "sell" : "buy") ?? [];
  const { filled, cost, worst } = sweep(levels, quantity);
  if (worst === null) return "nothing to trade with";
  const short = filled < quantity ? `, only ${fixed(textOf(filled, quantityScale.value), quantityScale.value)} there` : "";
  return `${show(cost)} to ${fixed(textOf(worst, priceScale.value), priceScale.value)}${short}`;
}
