// What of an OpenAPI 3.1 document this page reads, and how it puts schemas into words and examples.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema | false;
  prefixItems?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema?: Schema;
  example?: unknown;
}

interface Content {
  content?: Record<string, { schema?: Schema; example?: unknown; examples?: Record<string, { value?: unknown }> }>;
  description?: string;
}

export interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: Content | { $ref: string };
  responses?: Record<string, Content | { $ref: string }>;
}

export interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Every operation by its first tag, in the document's order. */
export function routesByTag(document: Document): Map<string, Route[]> {
  const groups = new Map<string, Route[]>((document.tags ?? []).map((tag) => [tag.name, []]));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = operations[method];
      if (operation === undefined) continue;
      const tag = operation.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), { method: method.toUpperCase(), path, operation }]);
    }
  }
  return new Map([...groups].filter(([, routes]) => routes.length > 0));
}

/** Follows a reference within the document. Throws where it leads nowhere. */
export function resolve<T>(document: Document, value: T | { $ref: string }): T {
  let at: unknown = value;
  for (let depth = 0; depth < 16; depth++) {
    const reference = (at as { $ref?: string }).$ref;
    if (reference === undefined) return at as T;
    at = reference
      .replace(/^#\//, "")
      .split("/")
      .reduce<unknown>((place, key) => (place as Record<string, unknown> | undefined)?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
    if (at === undefined) throw new Error(`${reference} leads nowhere`);
  }
  throw new Error("a reference that refers to itself");
}

/** A schema's type in a few words: "text", "whole number or null", "list of Order", "buy | sell". */
export function wordsOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1)!;
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return [...new Set(branches.map(wordsOf))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? "anything"];
  return types.map((type) => (type === "array" ? `list of ${schema.items ? wordsOf(schema.items) : "values"}` : (NAMES[type] ?? type))).join(" or ");
}

const NAMES: Record<string, string> = { string: "text", integer: "whole number", number: "number", boolean: "true or false", object: "object" };

/** What bounds a value, in words: "1 to 36 characters, at most 1000". */
export function limitsOf(schema: Schema): string {
  const said: string[] = [];
  if (schema.maxLength !== undefined) said.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`);
  if (schema.minimum !== undefined) said.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) said.push(`at most ${schema.maximum}`);
  if (schema.pattern !== undefined) said.push(`of the form ${schema.pattern}`);
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(", ");
}

/** A value to begin with: the document's example, else the required fields with something of their type. */
export function exampleOf(document: Document, schema: Schema, depth = 0): unknown {
  const known = resolve<Schema>(document, schema);
  if (known.examples?.length) return known.examples[0];
  if (known.const !== undefined) return known.const;
  if (known.enum !== undefined) return known.enum[0];
  const [branch] = known.anyOf ?? known.oneOf ?? [];
  if (branch !== undefined) return exampleOf(document, branch, depth);
  const type = Array.isArray(known.type) ? known.type[0] : known.type;
  if (type === "object" || known.properties !== undefined) {
    const required = (known.required ?? []).filter((name) => known.properties?.[name] !== undefined);
    return Object.fromEntries(depth > 4 ? [] : required.map((name) => [name, exampleOf(document, known.properties![name]!, depth + 1)]));
  }
  if (type === "array") return known.items && depth < 4 ? [exampleOf(document, known.items, depth + 1)] : [];
  return { string: "", integer: known.minimum ?? 0, number: 0, boolean: false }[type ?? ""] ?? null;
}

/** The schema and the example of a body that is JSON. */
export function jsonOf(content: Content): { schema: Schema; example: unknown } | null {
  const entry = Object.entries(content.content ?? {}).find(([type]) => /json/.test(type))?.[1];
  if (entry?.schema === undefined) return null;
  return { schema: entry.schema, example: entry.example ?? Object.values(entry.examples ?? {})[0]?.value };
}
