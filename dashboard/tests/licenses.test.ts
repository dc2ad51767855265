import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const at = (path: string): URL => new URL(path, import.meta.url);
const read = (path: string): string => readFileSync(at(path), "utf8");

interface Package {
  license: string;
  dependencies?: Record<string, string>;
}

/** The packages that the page is made of, and those that they are made of. */
function packages(from: string, found = new Map<string, Package>()): Map<string, Package> {
  for (const name of Object.keys((JSON.parse(read(from)) as Package).dependencies ?? {})) {
    const manifest = `../node_modules/${name}/package.json`;
    if (found.has(name)) continue;
    found.set(name, JSON.parse(read(manifest)) as Package);
    packages(manifest, found);
  }
  return found;
}

it("has the licence of every package that is in the page", () => {
  const text = read("../src/licenses.txt");
  const named = [...packages("../package.json")];
  expect(named.length).toBeGreaterThan(3);
  for (const [name, { license }] of named) {
    expect(text).toMatch(new RegExp(`^-+\n(.*, )?${name}(, .*)?\n-+$`, "m"));
    expect(["MIT", "Apache-2.0"]).toContain(license);
    const own = `../node_modules/${name}/LICENSE`;
    if (existsSync(at(own))) expect(text).toContain(read(own).trimEnd());
  }
});
