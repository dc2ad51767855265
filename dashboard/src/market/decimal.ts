// Exact decimals: a price or a quantity is a whole number of units of 10^-scale. The page computes with these, and
// with floats only where something is drawn.

const FORM = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The digits after the point that a decimal text has, trailing zeros left out: its grid's scale. */
export function scaleOf(text: string): number {
  return (FORM.exec(text)?.[3] ?? "").replace(/0+$/, "").length;
}

/** The units that a text is at a scale; null where it is no decimal or has more digits than the scale. */
export function parseUnits(text: string, scale: number): bigint | null {
  const match = FORM.exec(text.trim());
  if (match === null) return null;
  const [, sign, whole, fraction = ""] = match;
  const kept = fraction.slice(0, scale).padEnd(scale, "0");
  if (/[1-9]/.test(fraction.slice(scale))) return null;
  const units = BigInt(`${whole}${kept}`);
  return sign === "-" ? -units : units;
}

/** Units of a text that the server sent. Throws where it is not on the grid: then the page misunderstands something. */
export function unitsOf(text: string, scale: number): bigint {
  const units = parseUnits(text, scale);
  if (units === null) throw new RangeError(`"${text}" is no decimal with ${scale} digits after the point`);
  return units;
}

/** The text of units, with all digits of the scale. */
export function textOf(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const sign = units < 0n ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The text of units without trailing zeros, as it is sent. */
export function shortTextOf(units: bigint, scale: number): string {
  const text = textOf(units, scale);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** With thousands set apart: 64,250.10. */
export function grouped(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** A decimal text with exactly so many digits after the point; more of them are cut, so it is for showing only. */
export function fixed(text: string | null | undefined, scale: number): string {
  if (text === null || text === undefined || !FORM.test(text)) return "–";
  const [whole = "", fraction = ""] = text.split(".");
  return grouped(scale === 0 ? whole : `${whole}.${fraction.slice(0, scale).padEnd(scale, "0")}`);
}

/** Rounds towards minus infinity to a multiple. */
export function floorTo(units: bigint, step: bigint): bigint {
  const rest = units % step;
  return rest === 0n ? units : rest > 0n ? units - rest : units - rest - step;
}

/** Rounds towards plus infinity to a multiple. */
export function ceilTo(units: bigint, step: bigint): bigint {
  return -floorTo(-units, step);
}
