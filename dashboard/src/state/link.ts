// The connection, and what the page says of it.

import { computed, signal } from "@preact/signals";
import { token, tokenRefused } from "../api/session.ts";
import { Stream, type LinkState } from "../api/stream.ts";
import type { Problem } from "../api/schema.ts";

export const linkState = signal<LinkState>("connecting");
export const retryAt = signal<number | null>(null);
export const roundTripMs = signal<number | null>(null);
/** What the server last said of the connection; gone when the next one stands. */
export const linkProblem = signal<Problem | null>(null);
/** How often the connection was made: whoever fetches by REST does it anew when this changes. */
export const connections = signal(0);

export const isOnline = computed(() => linkState.value === "online");

export const stream = new Stream({
  open: () => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`),
  token: () => token.value,
  changed(state, at) {
    linkState.value = state;
    retryAt.value = at;
    if (state === "online") {
      linkProblem.value = null;
      connections.value += 1;
    }
  },
  measured: (milliseconds) => (roundTripMs.value = milliseconds),
  told(problem) {
    linkProblem.value = problem;
    if (problem.status === 401) tokenRefused(problem.detail || problem.title);
  },
});

export function startLink(): void {
  stream.connect();
  addEventListener("online", () => stream.connect());
  // Another token is another login.
  let known = token.value;
  token.subscribe((now) => {
    if (now !== known) stream.restart();
    known = now;
  });
}
