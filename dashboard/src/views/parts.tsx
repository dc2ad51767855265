// Small parts that several views are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/schema.ts";
import { sentenceOf, words } from "../state/ticket.ts";

export function Panel(props: { title: string; area: string; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class={`panel area-${props.area}`} aria-label={props.title}>
      <header class="panel-head">
        <h2>{props.title}</h2>
        <div class="panel-aside">{props.aside}</div>
      </header>
      {props.children}
    </section>
  );
}

/** Buttons of which one is on. */
export function Choice<T extends string>(props: {
  label: string;
  options: readonly (readonly [T, string])[];
  value: T;
  onChange(value: T): void;
  class?: string;
}) {
  return (
    <div class={`choice ${props.class ?? ""}`} role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          data-value={value}
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** What the server refused, in its words. */
export function Refusal(props: { problem: Problem | null }) {
  return (
    <div class="refusal" role="alert">
      {props.problem !== null && (
        <>
          <strong>{words(props.problem.slug || props.problem.title)}</strong> {sentenceOf(props.problem)}
        </>
      )}
    </div>
  );
}

/** An element's size in CSS pixels, as it changes. */
export function useSize<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size] as const;
}

/** The time of day with seconds, in the reader's zone. */
export function clock(timestampNs: number): string {
  return new Date(timestampNs / 1e6).toLocaleTimeString("en-GB", { hour12: false });
}
