// One WebSocket that stays: subscriptions outlive connections, and what the page shows of the link is the truth.

import type { ChannelMessage, Problem, Reply } from "./schema.ts";

export type LinkState = "connecting" | "online" | "offline";

export interface Subscription {
  channel: "trades" | "ticker" | "depth" | "candles" | "orders";
  symbol?: string;
  period?: string;
  account?: string;
  interval_ms?: number;
}

export interface Handlers {
  message(message: ChannelMessage): void;
  /** The subscription begins, the first time or anew: what was missed in between is to be fetched. */
  started?(): void;
  /** The server does not give this channel. */
  refused?(problem: Problem): void;
}

export interface StreamOptions {
  open(): WebSocket;
  token(): string | null;
  /** Called at each change; `retryAt` (of Date.now) says when the next attempt comes. */
  changed(state: LinkState, retryAt: number | null): void;
  /** A round trip's time, from each heartbeat. */
  measured?(roundTripMs: number): void;
  /** What the server says of the connection itself. */
  told?(problem: Problem): void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 8_000;
const HEARTBEAT_MS = 5_000;
/** Without any message for so long the connection is taken for dead: a cut line does not close by itself. */
const SILENCE_MS = 12_000;
/** What the server has no room for now is asked for again after so long. */
const AGAIN_MS = 1_000;

const passes = (problem: Problem): boolean => problem.status === 429 || problem.status === 503;

interface Entry {
  subscription: Subscription;
  handlers: Handlers;
}

export class Stream {
  private socket: WebSocket | null = null;
  private readonly entries = new Map<string, Entry>();
  private readonly asked = new Map<number, (reply: Reply) => void>();
  private nextId = 1;
  private failures = 0;
  private lastHeard = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private heartbeat: ReturnType<typeof setInterval> | null = null;
  private state: LinkState = "offline";

  constructor(private readonly options: StreamOptions) {}

  /** Connects, now rather than when the next attempt is due. */
  connect(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    if (this.socket !== null) return;
    this.change("connecting", null);
    const socket = this.options.open();
    this.socket = socket;
    // Handlers look whether the socket is still this one: a socket that was given up speaks no more.
    socket.onopen = () => this.socket === socket && void this.opened(socket);
    socket.onmessage = (event) => this.socket === socket && this.heard(String(event.data));
    socket.onclose = () => this.socket === socket && this.lost();
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.lastHeard = Date.now();
  }

  /** Drops the connection and makes another: with another token, or because this one is suspect. */
  restart(): void {
    const socket = this.socket;
    this.end();
    socket?.close();
    this.failures = 0;
    this.connect();
  }

  /** Takes a channel until the answer is called. One subscription of each channel, symbol, period and account. */
  subscribe(subscription: Subscription, handlers: Handlers): () => void {
    const key = keyOf(subscription);
    const entry = { subscription, handlers };
    this.entries.set(key, entry);
    if (this.state === "online") this.begin(entry);
    return () => {
      if (this.entries.get(key) !== entry) return;
      this.entries.delete(key);
      if (this.state === "online") {
        const { interval_ms: _, ...named } = subscription;
        this.ask({ op: "unsubscribe", ...named });
      }
    };
  }

  private async opened(socket: WebSocket): Promise<void> {
    const token = this.options.token();
    if (token !== null) {
      const reply = await this.ask({ op: "login", token });
      if (this.socket !== socket) return;
      if (reply.problem) this.options.told?.(reply.problem);
      if (reply.problem && passes(reply.problem)) {
        socket.close();
        this.lost();
        return;
      }
    }
    this.failures = 0;
    this.change("online", null);
    for (const entry of this.entries.values()) this.begin(entry);
    this.beat();
  }

  private begin(entry: Entry): void {
    const socket = this.socket;
    entry.handlers.started?.();
    void this.ask({ op: "subscribe", ...entry.subscription }).then((reply) => {
      if (!reply.problem) return;
      if (!passes(reply.problem)) return entry.handlers.refused?.(reply.problem);
      setTimeout(() => {
        if (this.socket === socket && this.entries.get(keyOf(entry.subscription)) === entry) this.begin(entry);
      }, AGAIN_MS);
    });
  }

  private ask(request: Record<string, unknown>): Promise<Reply> {
    const id = this.nextId++;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      this.socket?.send(JSON.stringify({ ...request, id }));
    });
  }

  private heard(text: string): void {
    this.lastHeard = Date.now();
    const message = JSON.parse(text) as ChannelMessage | Reply;
    if (!("channel" in message)) {
      const resolve = this.asked.get(Number(message.id));
      this.asked.delete(Number(message.id));
      resolve?.(message);
    } else if (message.channel === "system") {
      this.options.told?.(message.problem);
    } else {
      this.entries.get(keyOf(message as Subscription))?.handlers.message(message);
    }
  }

  private beat(): void {
    if (Date.now() - this.lastHeard > SILENCE_MS) {
      this.socket?.close();
      this.lost();
    } else if (this.state === "online") {
      const sent = performance.now();
      void this.ask({ op: "ping" }).then(() => this.options.measured?.(performance.now() - sent));
    }
  }

  private lost(): void {
    this.end();
    const longest = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LAST_RETRY_MS);
    // Half of it by chance: many pages that lost the same server do not come back in one instant.
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.failures += 1;
    this.retry = setTimeout(() => this.connect(), delay);
    this.change("offline", Date.now() + delay);
  }

  private end(): void {
    this.socket = null;
    this.asked.clear();
    if (this.heartbeat !== null) clearInterval(this.heartbeat);
    this.heartbeat = null;
  }

  private change(state: LinkState, retryAt: number | null): void {
    this.state = state;
    this.options.changed(state, retryAt);
  }
}

function keyOf({ channel, symbol, period }: Subscription): string {
  // Orders come for one account; where none was named the server says which one it was.
  return channel === "orders" ? channel : [channel, symbol ?? "", channel === "candles" ? period : ""].join(" ");
}
