// The candles' period.

import { signal } from "@preact/signals";

export const PERIODS = ["1s", "1m", "5m", "15m", "1h", "4h", "1d"] as const;
export type Period = (typeof PERIODS)[number];
export const period = signal<Period>("1m");
let isChosen = false;

export function choosePeriod(next: Period): void {
  isChosen = true;
  period.value = next;
}

export function movePeriod(by: 1 | -1): void {
  const next = PERIODS[PERIODS.indexOf(period.value) + by];
  if (next !== undefined) choosePeriod(next);
}

/** Takes a period that suits the market better, unless somebody has chosen one. */
export function suggestPeriod(next: Period): void {
  if (!isChosen) period.value = next;
}
