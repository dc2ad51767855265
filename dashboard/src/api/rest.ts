// The REST API: typed answers, and refusals as the server words them.

import type {
  AmendOrder, BalanceList, Book, CandlePage, EventMarket, Instrument, NewOrder, Order, OrderPage, Problem, Stats,
  Ticker, TradePrint,
} from "./schema.ts";
import { token, tokenRefused } from "./session.ts";

/** The server refused: `problem` says why. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

/** The server could not be reached, so whether it did what was asked is not known. */
export class UnreachableError extends Error {}

const TIMEOUT_MS = 10_000;

/** One request. Throws ProblemError or UnreachableError. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (token.value !== null) headers["authorization"] = `Bearer ${token.value}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await answer.text();
  } catch {
    throw new UnreachableError("The server cannot be reached.");
  }
  if (answer.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
  const problem = problemIn(answer, text);
  if (answer.status === 401) tokenRefused(problem.detail || problem.title);
  throw new ProblemError(problem);
}

function problemIn(answer: Response, text: string): Problem {
  if (answer.headers.get("content-type")?.startsWith("application/problem+json")) return JSON.parse(text) as Problem;
  return { type: "about:blank", title: answer.statusText || "refused", status: answer.status, slug: "", detail: text };
}

/** The levels of each side that a book has at most. */
export const BOOK_LEVELS = 5_000;

const part = encodeURIComponent;

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length === 0 ? "" : "?" + new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}

export interface Me {
  key: string | null;
  roles: string[];
  account: string | null;
}

export const api = {
  me: () => request<Me>("GET", "/me"),
  instruments: () => request<Instrument[]>("GET", "/instruments"),
  tickers: () => request<Ticker[]>("GET", "/tickers"),
  book: (symbol: string) => request<Book>("GET", `/book/${part(symbol)}?levels=${BOOK_LEVELS}`),
  trades: async (symbol: string, limit: number) =>
    (await request<{ trades: TradePrint[] }>("GET", `/trades/${part(symbol)}${query({ limit })}`)).trades,
  candles: (symbol: string, period: string, limit: number, cursor?: string | null) =>
    request<CandlePage>("GET", `/candles/${part(symbol)}${query({ period, limit, cursor })}`),
  stats: () => request<Stats>("GET", "/stats"),
  events: () => request<EventMarket[]>("GET", "/events"),
  settle: (name: string, outcome: string) => request("POST", `/events/${part(name)}/settle`, { outcome }),
  moveSets: (name: string, move: "mint" | "redeem", account: string, quantity: string) =>
    request("POST", `/events/${part(name)}/${move}`, { account, quantity }),
  accounts: async () =>
    (await request<{ accounts: { account: string; killed: boolean }[] }>("GET", `/accounts${query({ limit: 1000 })}`))
      .accounts,
  balances: (account: string) => request<BalanceList>("GET", `/accounts/${part(account)}/balances`),
  orders: (account: string | null, status: "live" | "done", limit: number, cursor?: string | null) =>
    request<OrderPage>("GET", `/orders${query({ account, status, limit, cursor })}`),
  amend: (orderId: string, change: AmendOrder) => request<Order>("PATCH", `/order/${orderId}`, change),
  cancel: (orderId: string) => request<Order>("DELETE", `/order/${orderId}`),
  cancelAll: (account: string | null, symbol: string | null) =>
    request<{ canceled: number }>("DELETE", `/orders${query({ account, symbol })}`),

  /**
   * Places an order. It carries an id of its own, so where the answer is lost the same order is sent again and cannot
   * be placed twice.
   */
  async place(order: NewOrder): Promise<Order> {
    try {
      return await request<Order>("POST", "/order", order);
    } catch (error) {
      if (!(error instanceof UnreachableError) || order.account === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return request<Order>("POST", "/order", order);
    }
  },
};
