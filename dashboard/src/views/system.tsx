// The machine behind the market: throughput, latency, journal, shards, as GET /stats tells them.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { api } from "../api/rest.ts";
import type { LatencyStats, Stats } from "../api/schema.ts";
import { grouped } from "../market/decimal.ts";
import { connections, isOnline, roundTripMs } from "../state/link.ts";

const EVERY_MS = 1_000;
const KEPT = 120;

const history = signal<Stats[]>([]);

export function System() {
  useEffect(() => {
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      const stats = await api.stats().catch(() => null);
      if (stats !== null) history.value = [...history.value, stats].slice(-KEPT);
    };
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => clearInterval(timer);
  }, [connections.value]);
  const now = history.value.at(-1);
  if (now === undefined) return <main class="page"><p class="empty-note">Loading…</p></main>;
  return (
    <main class={`page system ${isOnline.value ? "" : "stale"}`} id="main">
      <h1>System</h1>
      <div class="tiles" data-testid="tiles">
        <Rate title="Orders" pick={(stats) => stats.orders_per_second} />
        <Rate title="Events" pick={(stats) => stats.events_per_second} />
        <Rate title="Trades" pick={(stats) => stats.trades_per_second} />
        <Facts now={now} />
      </div>
      <div class="system-grid">
        <Card title="Latency by stage" note="microseconds, over the last minute; the bar runs from the median to the 99.9th percentile, on a logarithmic scale">
          <Latencies latencies={now.latencies} />
        </Card>
        <Card title="Shards" note="each matches on a thread of its own and writes a journal of its own">
          <Shards now={now} />
        </Card>
      </div>
    </main>
  );
}

function Card(props: { title: string; note: string; children: ComponentChildren }) {
  return (
    <section class="card" aria-label={props.title}>
      <header><h2>{props.title}</h2><span class="state">{props.note}</span></header>
      <div class="table-box">{props.children}</div>
    </section>
  );
}

/** A rate, and how it went in the last two minutes. */
function Rate(props: { title: string; pick(stats: Stats): number }) {
  const values = history.value.map(props.pick);
  const now = values.at(-1) ?? 0;
  const most = Math.max(...values, 1);
  // Half a minute fills the width at least; the newest stands at the right.
  const step = 120 / (Math.max(values.length, 30) - 1);
  const at = (value: number, index: number): string =>
    `${(120 - (values.length - 1 - index) * step).toFixed(1)},${(30 - (value / most) * 28).toFixed(1)}`;
  const line = values.map(at).join(" ");
  const begin = (120 - (values.length - 1) * step).toFixed(1);
  return (
    <section class="tile" aria-label={`${props.title} a second`}>
      <h2>{props.title} / s</h2>
      <strong>{rate(now)}</strong>
      <svg viewBox="0 0 120 31" preserveAspectRatio="none" role="img" aria-label={`the highest of the last two minutes was ${rate(most)}`}>
        <polygon points={`${begin},31 ${line} 120,31`} />
        <polyline points={line} />
      </svg>
      <span class="state">highest {rate(most)}</span>
    </section>
  );
}

function Facts(props: { now: Stats }) {
  const { now } = props;
  const first = history.value[0]!;
  const seconds = (now.now - first.now) / 1e9;
  const growth = seconds > 2 ? (now.journal_bytes - first.journal_bytes) / seconds : null;
  const rows: [string, string][] = [
    ["up", duration((now.now - now.started_at) / 1e9)],
    ["version", now.version],
    ["durability", now.durability ?? "memory only"],
    ["journal", `${bytes(now.journal_bytes)}${growth !== null && growth > 0 ? ` (+${bytes(growth)}/s)` : ""}`],
    ["memory", bytes(now.memory_bytes)],
    ["connections", `${now.http_connections} HTTP, ${now.websocket_connections} WebSocket`],
    ["subscriptions", whole(now.subscriptions)],
    ["this page's round trip", roundTripMs.value === null ? "–" : `${roundTripMs.value.toFixed(1)} ms`],
  ];
  return (
    <section class="tile facts-tile" aria-label="Server">
      <dl>{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  );
}

function Latencies(props: { latencies: LatencyStats[] }) {
  const least = Math.min(...props.latencies.filter((row) => row.p50_us > 0).map((row) => row.p50_us), 1);
  const most = Math.max(...props.latencies.map((row) => row.p999_us), 10);
  const share = (value: number): number => Math.max(0, Math.log(Math.max(value, least) / least) / Math.log(most / least));
  return (
    <table data-testid="latencies">
      <thead><tr><th>stage</th><th class="num wide">count</th><th class="num">p50</th><th class="num wide">p90</th><th class="num">p99</th><th class="num">p99.9</th><th class="num wide">max</th><th class="bar-head wide"><span class="sr">spread</span></th></tr></thead>
      <tbody>
        {props.latencies.map((row) => (
          <tr key={row.stage}>
            <td>{row.stage}</td><td class="num wide">{whole(row.count)}</td><td class="num">{micros(row.p50_us)}</td>
            <td class="num wide">{micros(row.p90_us)}</td><td class="num">{micros(row.p99_us)}</td><td class="num">{micros(row.p999_us)}</td>
            <td class="num wide">{micros(row.max_us)}</td>
            <td class="bar-cell wide"><i style={{ left: `${share(row.p50_us) * 100}%`, width: `${Math.max(1, (share(row.p999_us) - share(row.p50_us)) * 100)}%` }} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Shards(props: { now: Stats }) {
  return (
    <table data-testid="shards">
      <thead><tr><th>shard</th><th class="num">commands</th><th class="num wide">batches</th><th class="num">per batch</th><th class="num wide">events</th><th class="num">refused</th><th class="num">waiting</th><th class="num wide">sequence</th><th class="num">not yet durable</th></tr></thead>
      <tbody>
        {props.now.shards.map((shard) => (
          <tr key={shard.shard}>
            <td>{shard.shard}</td><td class="num">{whole(shard.commands)}</td><td class="num wide">{whole(shard.batches)}</td>
            <td class="num">{shard.batches === 0 ? "–" : (shard.commands / shard.batches).toFixed(1)}</td>
            <td class="num wide">{whole(shard.events)}</td><td class="num">{whole(shard.refused)}</td><td class="num">{whole(shard.intake_depth)}</td>
            <td class="num wide">{whole(shard.sequence)}</td><td class="num">{props.now.durability !== "disk" ? "–" : whole(Math.max(0, shard.sequence - shard.durable_sequence))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const whole = (value: number): string => grouped(String(Math.round(value)));
const rate = (value: number): string => (value >= 100 ? whole(value) : value.toFixed(1));
const micros = (value: number): string => (value >= 1000 ? whole(value) : value.toFixed(value >= 100 ? 0 : 1));

export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value >= 100 ? 0 : 1)} ${units[unit]}`;
}

export function duration(seconds: number): string {
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
