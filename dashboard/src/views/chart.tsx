// Candles with volume. The newest one lives; older ones come when the chart is moved to where they would be.

import {
  CandlestickSeries, ColorType, createChart, CrosshairMode, HistogramSeries, type IChartApi, type ISeriesApi,
  type UTCTimestamp,
} from "lightweight-charts";
import { useEffect, useRef } from "preact/hooks";
import { api } from "../api/rest.ts";
import type { Candle } from "../api/schema.ts";
import { fixed } from "../market/decimal.ts";
import { stream } from "../state/link.ts";
import { colour, theme } from "../state/look.ts";
import { choosePeriod, period, PERIODS, suggestPeriod, type Period } from "../state/period.ts";
import { instrument, priceScale, symbol } from "../state/venue.ts";
import { Choice, Panel } from "./parts.tsx";

const PAGE = 500;
/** With fewer candles of a minute a market is so young that seconds show more of it. */
const FEW = 15;

export function Chart() {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<CandleChart | null>(null);
  useEffect(() => {
    chart.current = new CandleChart(place.current!);
    return () => chart.current?.end();
  }, []);
  useEffect(() => chart.current?.paint(), [theme.value]);
  useEffect(() => {
    if (instrument.value === null) return undefined;
    return chart.current?.show(instrument.value.symbol, period.value, priceScale.value);
  }, [instrument.value?.symbol, period.value]);
  return (
    <Panel title="Candles" area="chart"
      aside={<Choice label="Period" class="periods" value={period.value} onChange={choosePeriod}
        options={PERIODS.map((name) => [name, name] as const)} />}>
      <div ref={place} class="chart" role="img" data-testid="chart"
        aria-label={`Candles of ${symbol.value ?? ""}, ${period.value}, with volume`} />
    </Panel>
  );
}

class CandleChart {
  private readonly chart: IChartApi;
  private readonly prices: ISeriesApi<"Candlestick">;
  private readonly volumes: ISeriesApi<"Histogram">;
  private candles: Candle[] = [];
  private older: string | null = null;
  private loadOlder: (() => void) | null = null;

  constructor(private readonly place: HTMLElement) {
    this.chart = createChart(place, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      // The notice that the library's licence asks for stands on the help page.
      layout: { attributionLogo: false, fontSize: 11 },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4, minBarSpacing: 1 },
    });
    this.prices = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.volumes = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.06, bottom: 0.22 } });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && range.from < 20) this.loadOlder?.();
    });
    this.paint();
  }

  end(): void {
    this.loadOlder = null;
    this.chart.remove();
  }

  /** Takes the style sheet's colours. */
  paint(): void {
    const [text, line, buy, sell] = ["muted", "grid", "buy", "sell"].map(colour) as [string, string, string, string];
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: colour("panel") }, textColor: text,
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.prices.applyOptions({ upColor: buy, downColor: sell, wickUpColor: buy, wickDownColor: sell });
    this.draw();
  }

  /** Shows a market's candles and follows them until the answer is called. */
  show(market: string, length: Period, scale: number): () => void {
    let ended = false;
    let isLoading = false;
    this.prices.applyOptions({
      priceFormat: { type: "custom", minMove: 10 ** -scale, formatter: (price: number) => fixed(price.toFixed(scale), scale) },
    });
    this.chart.timeScale().applyOptions({ secondsVisible: length === "1s" });
    const load = async (cursor: string | null): Promise<void> => {
      if (isLoading && cursor !== null) return;
      isLoading = true;
      const page = await api.candles(market, length, PAGE, cursor).catch(() => null);
      isLoading = false;
      if (ended || page === null) return;
      // What came live in the meantime is newer than the page's last candle.
      const live = cursor === null ? this.candles.filter((candle) => candle.start > (page.candles.at(-1)?.start ?? 0)) : this.candles;
      this.candles = [...page.candles, ...live];
      this.older = page.next_cursor;
      this.draw();
      if (cursor !== null || length !== "1m" || page.candles.length >= FEW) return;
      const seconds = await api.candles(market, "1s", PAGE, null).catch(() => null);
      if (!ended && seconds !== null && seconds.candles.length > page.candles.length) suggestPeriod("1s");
    };
    this.candles = [];
    this.older = null;
    this.loadOlder = () => {
      if (this.older !== null) void load(this.older);
    };
    const stop = stream.subscribe({ channel: "candles", symbol: market, period: length }, {
      started: () => void load(null),
      message: (message) => {
        if (message.channel === "candles") this.took(message.candle);
      },
    });
    this.draw();
    this.chart.timeScale().scrollToRealTime();
    return () => {
      ended = true;
      this.loadOlder = null;
      stop();
    };
  }

  private took(candle: Candle): void {
    const last = this.candles.at(-1);
    if (last !== undefined && candle.start < last.start) return;
    if (last?.start === candle.start) this.candles.pop();
    this.candles.push(candle);
    this.prices.update(bar(candle));
    this.volumes.update(this.column(candle));
    this.place.dataset["candles"] = String(this.candles.length);
  }

  private draw(): void {
    this.prices.setData(this.candles.map(bar));
    this.volumes.setData(this.candles.map((candle) => this.column(candle)));
    this.place.dataset["candles"] = String(this.candles.length);
  }

  private column(candle: Candle) {
    const rises = Number(candle.close) >= Number(candle.open);
    return { time: timeOf(candle), value: Number(candle.volume), color: colour(rises ? "buy-soft" : "sell-soft") };
  }
}

function bar(candle: Candle) {
  return {
    time: timeOf(candle), open: Number(candle.open), high: Number(candle.high), low: Number(candle.low),
    close: Number(candle.close),
  };
}

/** The chart has no time zones: it is given the reader's wall clock, like everything else on the page. */
function timeOf(candle: Candle): UTCTimestamp {
  const at = new Date(Math.round(candle.start / 1e6));
  return (Math.round(candle.start / 1e9) - at.getTimezoneOffset() * 60) as UTCTimestamp;
}
