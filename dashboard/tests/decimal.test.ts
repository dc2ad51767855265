import { describe, expect, it } from "vitest";
import { ceilTo, fixed, floorTo, grouped, parseUnits, scaleOf, shortTextOf, textOf, unitsOf } from "../src/market/decimal.ts";

describe("decimals", () => {
  it("are exact beyond what a float holds", () => {
    expect(parseUnits("90071992547409.93", 2)).toBe(9007199254740993n);
    expect(textOf(9007199254740993n, 2)).toBe("90071992547409.93");
  });

  it("are refused where they are not on the grid, not rounded", () => {
    expect(parseUnits("0.101", 2)).toBeNull();
    expect(parseUnits("0.100", 2)).toBe(10n);
    for (const bad of ["", "1e3", "1.", ".5", "1,5", "0x10", "--1", "NaN"]) expect(parseUnits(bad, 2), bad).toBeNull();
    expect(() => unitsOf("0.101", 2)).toThrow(RangeError);
  });

  it("may be negative, as prices may", () => {
    expect(parseUnits("-3.5", 2)).toBe(-350n);
    expect(textOf(-5n, 2)).toBe("-0.05");
    expect(grouped("-1234.5")).toBe("-1,234.5");
  });

  it("take their scale from the tick", () => {
    expect(["1", "0.5", "0.01", "0.10", "100"].map(scaleOf)).toEqual([0, 1, 2, 1, 0]);
  });

  it("round to steps on either side of zero", () => {
    expect([floorTo(7n, 5n), floorTo(-7n, 5n), floorTo(10n, 5n)]).toEqual([5n, -10n, 10n]);
    expect([ceilTo(7n, 5n), ceilTo(-7n, 5n), ceilTo(10n, 5n)]).toEqual([10n, -5n, 10n]);
  });

  it("are shown with all their digits and sent without those that say nothing", () => {
    expect(fixed("64250.1", 2)).toBe("64,250.10");
    expect(fixed(null, 2)).toBe("–");
    expect(shortTextOf(6425010n, 2)).toBe("64250.1");
    expect(shortTextOf(6425000n, 2)).toBe("64250");
  });
});
