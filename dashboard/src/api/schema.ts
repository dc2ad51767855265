// What the server sends and takes, as src/aeromatch/schema has it. Decimals are text and stay exact; times are
// nanoseconds and lose their last digits in a number, which nothing here shows.

export type Side = "buy" | "sell";
export const ORDER_TYPES = ["limit", "market", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"] as const;
export type OrderType = (typeof ORDER_TYPES)[number];
export const TIMES_IN_FORCE = ["gtc", "day", "gtd", "ioc", "fok", "aon"] as const;
export type TimeInForce = (typeof TIMES_IN_FORCE)[number];
export type OrderStatus = "dormant" | "open" | "partially_filled" | "filled" | "canceled";
export const SELF_TRADE_MODES = ["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"] as const;
export type SelfTradePrevention = (typeof SELF_TRADE_MODES)[number];

/** A price and the quantity displayed there; in an update "0" means that the level is gone. */
export type PriceLevel = [price: string, quantity: string];

export interface Problem {
  type: string;
  title: string;
  status: number;
  slug: string;
  detail?: string;
  instance?: string;
  errors?: { pointer: string; detail: string }[];
  retry_after_ms?: number | null;
}

export interface NewOrder {
  symbol: string;
  side: Side;
  quantity: string;
  type?: OrderType;
  price?: string;
  time_in_force?: TimeInForce;
  account?: string;
  client_order_id?: string;
  expire_at?: number;
  post_only?: boolean | "slide";
  protection_price?: string;
  budget?: string;
  stop_price?: string;
  trail_offset?: string;
  trail_offset_bps?: number;
  display_quantity?: string;
  min_quantity?: string;
  self_trade_prevention?: SelfTradePrevention;
  self_trade_group?: number;
}

export interface AmendOrder {
  quantity?: string;
  price?: string;
}

export interface Fill {
  trade_id: number;
  price: string;
  quantity: string;
  liquidity: "maker" | "taker";
  sequence: number;
  timestamp: number;
}

export interface Order {
  order_id: string;
  symbol: string;
  side: Side;
  type: OrderType;
  status: OrderStatus;
  quantity: string;
  filled_quantity: string;
  remaining_quantity: string;
  price: string | null;
  average_price: string | null;
  stop_price: string | null;
  display_quantity: string | null;
  time_in_force: TimeInForce | null;
  post_only: boolean | "slide";
  account: string | null;
  client_order_id: string | null;
  reason: string | null;
  expire_at: number | null;
  created_at: number;
  updated_at: number;
  sequence: number;
  fills: Fill[];
}

export interface OrderPage {
  orders: Order[];
  next_cursor: string | null;
}

export interface Book {
  symbol: string;
  last_update_id: number;
  timestamp: number;
  bids: PriceLevel[];
  asks: PriceLevel[];
}

export interface TradePrint {
  trade_id: number;
  symbol: string;
  price: string;
  quantity: string;
  side: Side | null;
  timestamp: number;
  sequence: number;
}

export interface Candle {
  start: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  notional: string;
  trades: number;
  is_closed: boolean;
}

export interface CandlePage {
  symbol: string;
  period: string;
  candles: Candle[];
  next_cursor: string | null;
}

export interface Ticker {
  symbol: string;
  timestamp: number;
  best_bid: string | null;
  best_bid_quantity: string | null;
  best_ask: string | null;
  best_ask_quantity: string | null;
  last_price: string | null;
  open_price: string | null;
  high_price: string | null;
  low_price: string | null;
  volume: string;
  notional: string;
  trades: number;
  phase: string;
  sequence: number;
}

export interface Instrument {
  symbol: string;
  number: number;
  tick_size: string;
  lot_size: string;
  phase: string;
  matching: string;
  self_trade_prevention: string;
  settlement: boolean;
  base: string | null;
  quote: string | null;
  group: string | null;
  fee_account: string | null;
  event: string | null;
  outcome: string | null;
  maker_fee_bps: number | null;
  taker_fee_bps: number | null;
}

export interface EventMarket {
  name: string;
  outcomes: string[];
  symbols: string[];
  currency: string | null;
  tick_size: string;
  lot_size: string;
  maker_fee_bps: number | null;
  taker_fee_bps: number | null;
  settled: boolean;
}

export interface Balance {
  account: string | null;
  asset: string;
  group: string;
  available: string;
  held: string;
  total: string;
}

export interface Position {
  account: string | null;
  symbol: string;
  quantity: string;
  bought_quantity: string;
  bought_notional: string;
  sold_quantity: string;
  sold_notional: string;
  fees: string;
}

export interface BalanceList {
  balances: Balance[];
  positions: Position[];
}

export interface ShardStats {
  shard: number;
  commands: number;
  batches: number;
  events: number;
  refused: number;
  intake_depth: number;
  sequence: number;
  durable_sequence: number;
}

export interface LatencyStats {
  stage: string;
  count: number;
  p50_us: number;
  p90_us: number;
  p99_us: number;
  p999_us: number;
  max_us: number;
}

export interface Stats {
  version: string;
  started_at: number;
  now: number;
  durability: string | null;
  orders_per_second: number;
  events_per_second: number;
  trades_per_second: number;
  http_connections: number;
  websocket_connections: number;
  subscriptions: number;
  memory_bytes: number;
  journal_bytes: number;
  shards: ShardStats[];
  latencies: LatencyStats[];
}

/** What channels bring; requests are answered by messages that have an id instead. */
export type ChannelMessage =
  | ({ type: "snapshot"; channel: "depth" } & Book)
  | ({ type: "update"; channel: "depth"; first_update_id: number } & Book)
  | { type: "trades"; channel: "trades"; symbol: string; trades: TradePrint[] }
  | { type: "ticker"; channel: "ticker"; symbol: string; ticker: Ticker }
  | { type: "candle"; channel: "candles"; symbol: string; period: string; candle: Candle }
  | { type: "orders"; channel: "orders"; account: string | null; sequence: number; orders: Order[] }
  | { type: "closing"; channel: "system"; problem: Problem };

export interface Reply {
  id: number | string | null;
  result?: unknown;
  problem?: Problem | null;
}
