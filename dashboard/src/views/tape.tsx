// The tape: every trade, newest first, in the aggressor's colour.

import { fixed } from "../market/decimal.ts";
import { trades } from "../state/market.ts";
import { priceScale, quantityScale } from "../state/venue.ts";
import { clock, Panel } from "./parts.tsx";

const ROWS = 60;

export function Tape() {
  return (
    <Panel title="Trades" area="tape">
      <div class="row-head tape-head" aria-hidden="true"><span>time</span><span>price</span><span>quantity</span></div>
      <ol class="tape" data-testid="tape">
        {/* By place, not by trade: rows stay where they are, and what they say moves on. */}
        {trades.value.slice(0, ROWS).map((trade, place) => (
          <li key={place} class={trade.side ?? "cross"}>
            <time>{clock(trade.timestamp)}</time>
            <span class="price">{fixed(trade.price, priceScale.value)}</span>
            <span>{fixed(trade.quantity, quantityScale.value)}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
