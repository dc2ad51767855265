// The market that is looked at: its book, trades and ticker, live.

import { signal } from "@preact/signals";
import { api, BOOK_LEVELS } from "../api/rest.ts";
import type { Book, ChannelMessage, Ticker, TradePrint } from "../api/schema.ts";
import { LocalBook } from "../market/book.ts";
import { priceScale, quantityScale } from "./venue.ts";
import { stream } from "./link.ts";

const TAPE_LENGTH = 200;
const VERIFY_EVERY_MS = 15_000;
/** After a comparison that said nothing, because the book changed meanwhile. */
const VERIFY_AGAIN_MS = 500;

export interface BookHealth {
  /** "synced" follows the stream; "resyncing" saw a gap or lost the connection, and what is shown is old. */
  state: "loading" | "synced" | "resyncing";
  verifiedAt: number | null;
  gaps: number;
  updates: number;
}

const NEW_BOOK: BookHealth = { state: "loading", verifiedAt: null, gaps: 0, updates: 0 };

/** The book; the number beside it grows with each change, since the book itself is changed in place. */
export const book = signal<{ levels: LocalBook | null; version: number }>({ levels: null, version: 0 });
export const bookHealth = signal<BookHealth>(NEW_BOOK);
export const trades = signal<TradePrint[]>([]);
export const ticker = signal<Ticker | null>(null);
export const bookTime = signal(0);

/** Follows a market until the answer is called. */
export function follow(symbol: string): () => void {
  const watch = new MarketWatch(symbol);
  return () => watch.end();
}

class MarketWatch {
  private readonly ends: (() => void)[] = [];
  private readonly local: LocalBook;
  private lastTrade = 0;
  private candidate: Book | null = null;
  private verifyAt = Date.now() + VERIFY_AGAIN_MS;
  private isVerifying = false;
  private ended = false;

  constructor(private readonly symbol: string) {
    this.local = new LocalBook(priceScale.value, quantityScale.value);
    book.value = { levels: this.local, version: 0 };
    bookHealth.value = NEW_BOOK;
    trades.value = [];
    ticker.value = null;
    this.ends.push(
      stream.subscribe({ channel: "depth", symbol }, { message: (m) => this.depth(m), started: () => this.began() }),
      stream.subscribe({ channel: "trades", symbol }, { message: (m) => this.printed(m), started: () => void this.loadTrades() }),
      stream.subscribe({ channel: "ticker", symbol }, {
        message: (message) => {
          if (message.channel === "ticker") ticker.value = message.ticker;
        },
      }),
    );
    const timer = setInterval(() => void this.verify(), 1_000);
    this.ends.push(() => clearInterval(timer));
  }

  end(): void {
    this.ended = true;
    for (const end of this.ends) end();
  }

  private began(): void {
    this.local.lose();
    this.note({ state: bookHealth.value.state === "loading" ? "loading" : "resyncing" });
  }

  private depth(message: ChannelMessage): void {
    if (message.channel !== "depth") return;
    bookTime.value = message.timestamp;
    if (message.type === "snapshot") {
      this.local.reset(message);
    } else if (this.local.update(message) === "gap") {
      this.note({ state: "resyncing", gaps: bookHealth.value.gaps + 1 });
      void this.resync();
      return;
    }
    if (this.candidate !== null) this.compare(this.candidate);
    else void this.verify();
    this.note({ state: this.local.isSynced ? "synced" : "resyncing", updates: bookHealth.value.updates + 1 });
    book.value = { levels: this.local, version: book.value.version + 1 };
  }

  /** The recipe's other half: a snapshot by REST, which the updates that waited continue. */
  private async resync(): Promise<void> {
    for (let attempt = 0; attempt < 5 && !this.local.isSynced && !this.ended; attempt++) {
      try {
        const snapshot = await api.book(this.symbol);
        if (this.ended || this.local.isSynced || !this.local.reset(snapshot)) continue;
        this.note({ state: "synced" });
        book.value = { levels: this.local, version: book.value.version + 1 };
      } catch {
        return; // The connection's loss is seen and told elsewhere, and ends in a new snapshot.
      }
    }
  }

  /**
   * Fetches the server's book when it is time. Right after an update, the chance is best that nothing has changed until
   * the answer is made.
   */
  private async verify(): Promise<void> {
    if (this.isVerifying || Date.now() < this.verifyAt || !this.local.isSynced || document.hidden) return;
    this.isVerifying = true;
    this.verifyAt = Date.now() + VERIFY_AGAIN_MS;
    const fetched = await api.book(this.symbol).catch(() => null);
    this.isVerifying = false;
    if (fetched !== null && !this.ended) this.compare(fetched);
  }

  /**
   * Compares with the server's book of some moment. If that lies between two updates it may be as it was before or as
   * it is after; what it was in between, nobody here can tell.
   */
  private compare(fetched: Book): void {
    const same = this.local.matches(fetched, BOOK_LEVELS);
    this.candidate = same === null && fetched.last_update_id > this.local.lastUpdateId ? fetched : null;
    if (same === null) return;
    this.verifyAt = Date.now() + VERIFY_EVERY_MS;
    if (same) {
      this.note({ verifiedAt: Date.now() });
    } else {
      // The chain of ids held and the books differ all the same: start over.
      this.local.lose();
      this.note({ state: "resyncing", gaps: bookHealth.value.gaps + 1 });
      void this.resync();
    }
  }

  private async loadTrades(): Promise<void> {
    try {
      this.addTrades((await api.trades(this.symbol, TAPE_LENGTH)).slice().reverse());
    } catch {
      // The tape fills from the stream alone.
    }
  }

  private printed(message: ChannelMessage): void {
    if (message.channel === "trades") this.addTrades(message.trades);
  }

  /** Oldest first; those that are known (the fetched and the live ones overlap) are passed over. */
  private addTrades(added: TradePrint[]): void {
    if (this.ended) return;
    const known = new Set(trades.value.map((trade) => trade.trade_id));
    const fresh = added.filter((trade) => !known.has(trade.trade_id));
    if (fresh.length === 0) return;
    const merged = [...fresh.reverse(), ...trades.value];
    if (fresh.some((trade) => trade.sequence < this.lastTrade)) {
      merged.sort((a, b) => b.sequence - a.sequence || b.trade_id - a.trade_id);
    }
    trades.value = merged.slice(0, TAPE_LENGTH);
    this.lastTrade = merged[0]!.sequence;
  }

  private note(change: Partial<BookHealth>): void {
    if (!this.ended) bookHealth.value = { ...bookHealth.value, ...change };
  }
}
