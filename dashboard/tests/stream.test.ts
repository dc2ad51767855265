import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChannelMessage, Problem } from "../src/api/schema.ts";
import { Stream, type LinkState } from "../src/api/stream.ts";

/** A socket whose other end is the test. */
class Wire {
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  says(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  /** What was asked of one kind, without ids. */
  asked(op: string): Record<string, unknown>[] {
    return this.sent.filter((request) => request["op"] === op).map(({ id: _, ...rest }) => rest);
  }
  /** Answers the last request of a kind. */
  async answers(op: string, reply: { result?: unknown; problem?: Partial<Problem> }): Promise<void> {
    this.says({ id: this.sent.findLast((request) => request["op"] === op)!["id"], ...reply });
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("the stream", () => {
  let wires: Wire[];
  let states: LinkState[];
  let retryAt: number | null;
  let token: string | null;
  let stream: Stream;
  const last = (): Wire => wires.at(-1)!;

  beforeEach(() => {
    vi.useFakeTimers();
    [wires, states, retryAt, token] = [[], [], null, null];
    stream = new Stream({
      open: () => {
        wires.push(new Wire());
        return last() as unknown as WebSocket;
      },
      token: () => token,
      changed: (state, at) => {
        states.push(state);
        retryAt = at;
      },
    });
  });
  afterEach(() => vi.useRealTimers());

  it("subscribes when it stands, and anew when it stands again", async () => {
    const heard: ChannelMessage[] = [];
    const started = vi.fn();
    stream.connect();
    stream.subscribe({ channel: "depth", symbol: "A/B" }, { message: (message) => heard.push(message), started });
    expect(last().sent).toEqual([]);
    last().onopen?.();
    expect(last().asked("subscribe")).toEqual([{ op: "subscribe", channel: "depth", symbol: "A/B" }]);
    last().says({ type: "update", channel: "depth", symbol: "A/B" });
    last().says({ type: "update", channel: "depth", symbol: "other" });
    expect(heard).toHaveLength(1);

    last().onclose?.();
    expect(states.at(-1)).toBe("offline");
    await vi.advanceTimersByTimeAsync(300);
    expect(wires).toHaveLength(2);
    last().onopen?.();
    expect(last().asked("subscribe")).toHaveLength(1);
    expect(started).toHaveBeenCalledTimes(2);
    expect(states).toEqual(["connecting", "online", "offline", "connecting", "online"]);
  });

  it("waits longer after each failure, but never longer than eight seconds", async () => {
    stream.connect();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      last().onclose?.();
      waits.push(retryAt! - Date.now());
      await vi.advanceTimersByTimeAsync(8_001);
    }
    waits.forEach((wait, attempt) => {
      const longest = Math.min(250 * 2 ** attempt, 8_000);
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest);
    });
  });

  it("says who it is before it asks for anything", async () => {
    token = "key.secret";
    stream.subscribe({ channel: "orders", account: "alice" }, { message: () => undefined });
    stream.connect();
    last().onopen?.();
    expect(last().sent.map((request) => request["op"])).toEqual(["login"]);
    await last().answers("login", { result: {} });
    expect(last().asked("subscribe")).toEqual([{ op: "subscribe", channel: "orders", account: "alice" }]);
  });

  it("logs in again where the server has no room for it now", async () => {
    token = "key.secret";
    stream.connect();
    last().onopen?.();
    await last().answers("login", { problem: { status: 429, slug: "rate_limited" } });
    expect(wires[0]!.closed).toBe(true);
    expect(states.at(-1)).toBe("offline");
    await vi.advanceTimersByTimeAsync(300);
    last().onopen?.();
    await last().answers("login", { result: {} });
    expect(wires).toHaveLength(2);
    expect(states.at(-1)).toBe("online");
  });

  it("subscribes again where the server has no room for it now, while somebody wants it", async () => {
    const refused = vi.fn();
    stream.connect();
    last().onopen?.();
    const end = stream.subscribe({ channel: "ticker", symbol: "A" }, { message: () => undefined, refused });
    for (let attempt = 1; attempt < 3; attempt++) {
      expect(last().asked("subscribe")).toHaveLength(attempt);
      await last().answers("subscribe", { problem: { status: 503, slug: "capacity" } });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await last().answers("subscribe", { problem: { status: 429, slug: "rate_limited" } });
    end();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(last().asked("subscribe")).toHaveLength(3);
    expect(refused).not.toHaveBeenCalled();
  });

  it("takes a silent connection for dead", async () => {
    stream.connect();
    last().onopen?.();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(states.at(-1)).toBe("online");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(wires[0]!.closed).toBe(true);
    expect(states).toContain("offline");
  });

  it("lives as long as its heartbeats are answered", async () => {
    stream.connect();
    last().onopen?.();
    for (let beat = 0; beat < 10; beat++) {
      await last().answers("ping", { result: {} });
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(states.at(-1)).toBe("online");
    expect(wires).toHaveLength(1);
  });

  it("does not hear a socket that it gave up", () => {
    const message = vi.fn();
    stream.subscribe({ channel: "trades", symbol: "A" }, { message });
    stream.connect();
    const first = last();
    first.onopen?.();
    stream.restart();
    first.says({ type: "trades", channel: "trades", symbol: "A", trades: [] });
    first.onclose?.();
    expect(message).not.toHaveBeenCalled();
    expect(wires).toHaveLength(2);
  });

  it("tells a refused subscription, and ends one that is no longer wanted", async () => {
    const refused = vi.fn();
    stream.connect();
    last().onopen?.();
    const end = stream.subscribe({ channel: "ticker", symbol: "none", interval_ms: 250 }, { message: () => undefined, refused });
    await last().answers("subscribe", { problem: { slug: "unknown_symbol" } });
    expect(refused).toHaveBeenCalledWith({ slug: "unknown_symbol" });
    end();
    expect(last().asked("unsubscribe")).toEqual([{ op: "unsubscribe", channel: "ticker", symbol: "none" }]);
  });
});
