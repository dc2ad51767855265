// The depth chart: what could be bought and sold down to each price.

import { useEffect, useRef, useState } from "preact/hooks";
import { reachOf, type Level, type LocalBook } from "../market/book.ts";
import { fixed, shortTextOf, textOf } from "../market/decimal.ts";
import { book } from "../state/market.ts";
import { colour, theme } from "../state/look.ts";
import { priceScale, quantityScale, symbol } from "../state/venue.ts";
import { Panel, useSize } from "./parts.tsx";

/** How many levels of each side count for how far the chart reaches, before zooming. */
const LEVELS = 60;

interface Shape {
  middle: number;
  span: number;
  most: number;
}

export function Depth() {
  const [place, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [zoom, setZoom] = useState(1);
  const [pointer, setPointer] = useState<number | null>(null);
  const { levels, version } = book.value;
  const shape = levels === null ? null : shapeOf(levels, zoom);
  useEffect(() => {
    if (canvas.current !== null && size.width > 0) draw(canvas.current, size, levels, shape, pointer);
  }, [version, levels, size, zoom, pointer, theme.value]);
  const readout = levels === null || shape === null || pointer === null ? null : readAt(levels, shape, pointer / size.width);
  return (
    <Panel title="Depth" area="depth" aside={
      <span class="zoom">
        <span class="readout" data-testid="depth-readout">{readout}</span>
        <button type="button" aria-label="Depth: nearer" onClick={() => setZoom(Math.max(zoom / 2, 1 / 16))}>+</button>
        <button type="button" aria-label="Depth: wider" onClick={() => setZoom(Math.min(zoom * 2, 16))}>−</button>
      </span>}>
      <div ref={place} class="depth">
        <canvas ref={canvas} role="img" aria-label={`Depth of ${symbol.value ?? ""}: ${summary(levels)}`}
          onPointerMove={(event) => setPointer(event.offsetX)} onPointerLeave={() => setPointer(null)} />
      </div>
    </Panel>
  );
}

function shapeOf(levels: LocalBook, zoom: number): Shape | null {
  const [bid, ask] = [levels.bids[0], levels.asks[0]];
  if (bid === undefined && ask === undefined) return null;
  const middle = bid === undefined ? Number(ask!.price) : ask === undefined ? Number(bid.price) : Number(bid.price + ask.price) / 2;
  const reach = Math.max(reachOf(levels.bids, middle, LEVELS), reachOf(levels.asks, middle, LEVELS));
  const span = (reach || 1) * 1.04 * zoom;
  const most = Math.max(totalWithin(levels.bids, middle - span), totalWithin(levels.asks, middle + span), 1);
  return { middle, span, most };
}

function totalWithin(side: readonly Level[], limit: number): number {
  let total = 0n;
  const isBelow = side[0] !== undefined && Number(side[0].price) > limit;
  for (const level of side) {
    if (isBelow ? Number(level.price) < limit : Number(level.price) > limit) break;
    total += level.quantity;
  }
  return Number(total);
}

function draw(
  canvas: HTMLCanvasElement, size: { width: number; height: number }, levels: LocalBook | null, shape: Shape | null,
  pointer: number | null,
): void {
  const ratio = devicePixelRatio;
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round(size.height * ratio);
  const pen = canvas.getContext("2d")!;
  pen.scale(ratio, ratio);
  if (levels === null || shape === null) return;
  const { width } = size;
  const floor = size.height - 18;
  const x = (price: number): number => width / 2 + ((price - shape.middle) / shape.span) * (width / 2);
  const y = (total: number): number => floor - (total / shape.most) * (floor - 8);
  for (const [side, name, end] of [[levels.bids, "buy", 0], [levels.asks, "sell", width]] as const) {
    if (side.length === 0) continue;
    pen.beginPath();
    pen.moveTo(x(Number(side[0]!.price)), floor);
    let total = 0;
    for (const level of side) {
      const at = x(Number(level.price));
      pen.lineTo(at, y(total));
      total += Number(level.quantity);
      pen.lineTo(at, y(total));
      if (at < 0 || at > width) break;
    }
    pen.lineTo(end, y(total));
    pen.lineTo(end, floor);
    pen.closePath();
    pen.fillStyle = colour(`${name}-soft`);
    pen.fill();
    pen.strokeStyle = colour(name);
    pen.lineWidth = 1.25;
    pen.stroke();
  }
  pen.clearRect(0, floor, width, size.height - floor);
  drawAxis(pen, size, shape, x, floor);
  if (pointer !== null) line(pen, pointer, floor, colour("muted"));
}

function drawAxis(
  pen: CanvasRenderingContext2D, size: { width: number }, shape: Shape, x: (price: number) => number, floor: number,
): void {
  const scale = priceScale.value;
  line(pen, x(shape.middle), floor, colour("line"));
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillStyle = colour("muted");
  pen.textAlign = "center";
  const steps = size.width > 500 ? 6 : 4;
  for (let step = 1; step < steps; step++) {
    const price = shape.middle + shape.span * ((2 * step) / steps - 1);
    pen.fillText(fixed(textOf(BigInt(Math.round(price)), scale), scale), x(price), floor + 13);
  }
}

function line(pen: CanvasRenderingContext2D, at: number, floor: number, style: string): void {
  pen.beginPath();
  pen.moveTo(Math.round(at) + 0.5, 0);
  pen.lineTo(Math.round(at) + 0.5, floor);
  pen.strokeStyle = style;
  pen.lineWidth = 1;
  pen.stroke();
}

/** What lies between the middle and the pointer. */
function readAt(levels: LocalBook, shape: Shape, share: number): string {
  const price = shape.middle + shape.span * (2 * share - 1);
  const isBid = price < shape.middle;
  const total = totalWithin(isBid ? levels.bids : levels.asks, price);
  const at = fixed(textOf(BigInt(Math.round(price)), priceScale.value), priceScale.value);
  return `${at} · ${fixed(textOf(BigInt(Math.round(total)), quantityScale.value), quantityScale.value)} ${isBid ? "bid" : "asked"}`;
}

function summary(levels: LocalBook | null): string {
  const [bid, ask] = [levels?.bids[0], levels?.asks[0]];
  const text = (level: Level | undefined): string => (level === undefined ? "none" : shortTextOf(level.price, priceScale.value));
  return `best bid ${text(bid)}, best ask ${text(ask)}`;
}
