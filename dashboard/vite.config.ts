import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

// Preact rather than nothing: a page of this many small live parts needs a way to redraw them, and this one is 6 kB.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: here("../src/aeromatch/server/static"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: here("index.html"), docs: here("docs.html") } },
  },
  server: {
    proxy: Object.fromEntries(
      ["/instruments", "/candles", "/trades", "/ticker", "/book", "/order", "/accounts", "/events", "/stats", "/me",
        "/health", "/ready", "/openapi.json", "/deposits", "/withdrawals", "/transfers", "/metrics", "/ws"].map(
        (path) => [path, { target: process.env["AEROMATCH_URL"] ?? "http://127.0.0.1:8080", ws: path === "/ws" }],
      ),
    ),
  },
  test: { include: ["tests/**/*.test.ts"] },
});
