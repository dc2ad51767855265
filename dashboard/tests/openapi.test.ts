import { describe, expect, it } from "vitest";
import { exampleOf, limitsOf, resolve, routesByTag, wordsOf, type Document } from "../src/docs/openapi.ts";

const DOCUMENT = {
  info: { title: "T", version: "1" },
  tags: [{ name: "orders" }, { name: "empty" }],
  paths: {
    "/stats": { get: { tags: ["server"] } },
    "/order": { parameters: [], post: { tags: ["orders"] }, delete: { tags: ["orders"] } },
  },
  components: {
    schemas: {
      Order: { type: "object", required: ["side", "fills"], properties: {
        side: { enum: ["buy", "sell"] }, fills: { type: "array", items: { $ref: "#/components/schemas/Fill" } }, note: { type: "string" } } },
      Fill: { type: "object", required: ["price"], properties: { price: { type: "string", examples: ["1.5"] } } },
      Loop: { $ref: "#/components/schemas/Loop" },
    },
  },
} as unknown as Document;

describe("an OpenAPI document", () => {
  it("is read by tag, in its own order, without tags that have nothing", () => {
    const routes = [...routesByTag(DOCUMENT)].map(([tag, list]) => [tag, list.map((route) => `${route.method} ${route.path}`)]);
    expect(routes).toEqual([["orders", ["POST /order", "DELETE /order"]], ["server", ["GET /stats"]]]);
  });

  it("gives examples that have what is required", () => {
    expect(exampleOf(DOCUMENT, { $ref: "#/components/schemas/Order" })).toEqual({ side: "buy", fills: [{ price: "1.5" }] });
  });

  it("does not follow references for ever, or nowhere", () => {
    expect(() => resolve(DOCUMENT, { $ref: "#/components/schemas/Loop" })).toThrow("itself");
    expect(() => resolve(DOCUMENT, { $ref: "#/components/schemas/None" })).toThrow("leads nowhere");
  });

  it("is put into words", () => {
    expect(wordsOf({ anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }] })).toBe("text or whole number or null");
    expect(wordsOf({ type: "array", items: { $ref: "#/components/schemas/Fill" } })).toBe("list of Fill");
    expect(limitsOf({ minLength: 1, maxLength: 36, default: "x" })).toBe('1 to 36 characters, default "x"');
  });
});
