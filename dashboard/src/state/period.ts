// The candles' period.

import { signal } from "@preact/signals";

export const PERIODS = ["1s", "1m", "5m", "15m", "1h", "4h", "1d"] as const;
export type Period = (typeof PERIODS)[number];
export const period = signal<Period>("1m");

export function movePeriod(by: 1 | -1): void {
  const next = PERIODS[PERIODS.indexOf(period.value) + by];
  if (next !== undefined) period.value = next;
}
