// /docs: the API, as /openapi.json describes it, with forms to try it.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { token, useToken } from "./api/session.ts";
import { startLook, theme, toggleTheme } from "./state/look.ts";
import {
  exampleOf, jsonOf, limitsOf, resolve, routesByTag, wordsOf, type Document, type Parameter, type Route, type Schema,
} from "./docs/openapi.ts";

function Docs() {
  const [document, setDocument] = useState<Document | null>(null);
  const [failure, setFailure] = useState("");
  const [sought, seek] = useState("");
  useEffect(() => {
    fetch("/openapi.json").then(async (answer) => setDocument((await answer.json()) as Document))
      .catch(() => setFailure("/openapi.json cannot be read: is the server there?"));
  }, []);
  useEffect(() => {
    // The address may name an operation that was not there yet when the page was opened.
    if (document !== null && location.hash !== "") window.document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  }, [document]);
  if (document === null) return <p class="empty-note">{failure || "Loading…"}</p>;
  const groups = routesByTag(document);
  const isSought = (route: Route): boolean =>
    `${route.method} ${route.path} ${route.operation.summary ?? ""}`.toLowerCase().includes(sought.trim().toLowerCase());
  return (
    <div class="docs">
      <aside>
        <a class="brand" href="/">AeroMatch</a>
        <input type="text" placeholder="Find an operation" aria-label="Find an operation" value={sought} onInput={(event) => seek(event.currentTarget.value)} />
        <nav aria-label="Operations">
          {[...groups].map(([tag, routes]) => (
            <section key={tag}>
              <h2>{tag}</h2>
              {routes.filter(isSought).map((route) => <a key={idOf(route)} href={`#${idOf(route)}`}><Method name={route.method} /> {route.path}</a>)}
            </section>
          ))}
        </nav>
      </aside>
      <main id="main">
        <header>
          <h1>{document.info.title} <span class="state">{document.info.version}</span></h1>
          <div class="docs-tools">
            <form onSubmit={(event) => event.preventDefault()}>
              <label>Token <input type="password" autocomplete="off" placeholder="none" value={token.value ?? ""}
                onChange={(event) => useToken(event.currentTarget.value.trim() || null)} /></label>
            </form>
            <button type="button" onClick={toggleTheme}>{theme.value === "dark" ? "Light" : "Dark"}</button>
            <a href="/openapi.json">openapi.json</a>
          </div>
        </header>
        <Prose text={document.info.description} />
        {[...groups].map(([tag, routes]) => {
          const shown = routes.filter(isSought);
          return shown.length === 0 ? null : (
            <section key={tag} aria-label={tag}>
              <h2 class="tag">{tag}</h2>
              <Prose text={document.tags?.find((entry) => entry.name === tag)?.description} />
              {shown.map((route) => <RouteCard key={idOf(route)} document={document} route={route} />)}
            </section>
          );
        })}
      </main>
    </div>
  );
}

const idOf = (route: Route): string => route.operation.operationId ?? `${route.method.toLowerCase()}${route.path.replaceAll(/\W+/g, "-")}`;

function Method(props: { name: string }) {
  return <b class={`method ${props.name.toLowerCase()}`}>{props.name}</b>;
}

/** Descriptions are plain text with paragraphs and `code`. */
function Prose(props: { text: string | undefined }) {
  if (!props.text) return null;
  return (
    <>
      {props.text.split(/\n\s*\n/).map((paragraph, at) => (
        <p key={at}>{paragraph.split("`").map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece))}</p>
      ))}
    </>
  );
}

function RouteCard(props: { document: Document; route: Route }) {
  const { document, route } = props;
  const { operation } = route;
  const parameters = (operation.parameters ?? []).map((parameter) => resolve<Parameter>(document, parameter));
  const body = operation.requestBody === undefined ? null : jsonOf(resolve(document, operation.requestBody));
  const [isTrying, tryIt] = useState(false);
  return (
    <article class="card route" id={idOf(route)} aria-label={`${route.method} ${route.path}`}>
      <header>
        <h3><Method name={route.method} /> <code>{route.path}</code></h3>
        <span class="state">{operation.summary}</span>
      </header>
      <div class="route-body">
        <Prose text={operation.description} />
        {parameters.length > 0 && <Parameters parameters={parameters} document={document} />}
        {body !== null && <Shape title="Body" schema={body.schema} document={document} />}
        <Answers document={document} route={route} />
        {isTrying ? <TryForm document={document} route={route} parameters={parameters} body={body} />
          : <button type="button" onClick={() => tryIt(true)}>Try it</button>}
      </div>
    </article>
  );
}

function Parameters(props: { parameters: Parameter[]; document: Document }) {
  return (
    <table class="fields">
      <thead><tr><th>parameter</th><th>is</th><th>means</th></tr></thead>
      <tbody>
        {props.parameters.map((parameter) => (
          <FieldRow key={parameter.name} name={parameter.name} schema={parameter.schema ?? {}} isRequired={parameter.required ?? false}
            note={parameter.description ?? parameter.schema?.description} where={parameter.in} />
        ))}
      </tbody>
    </table>
  );
}

function FieldRow(props: { name: string; schema: Schema; isRequired: boolean; note: string | undefined; where?: string }) {
  return (
    <tr>
      <td><code>{props.name}</code>{props.isRequired ? <span class="required" title="required">*</span> : null}</td>
      <td>{wordsOf(props.schema)}{props.where ? <span class="state"> in {props.where}</span> : null}</td>
      <td><Prose text={props.note} /><span class="state">{limitsOf(props.schema)}</span></td>
    </tr>
  );
}

/** An object's fields; the structures inside it open in turn. */
function Shape(props: { title: string; schema: Schema; document: Document; depth?: number }) {
  const known = resolve<Schema>(props.document, props.schema);
  const inner = known.items && !known.properties ? known.items : null;
  const depth = props.depth ?? 0;
  if (inner !== null) return <Shape {...props} title={`${props.title}, a list of`} schema={inner} />;
  const properties = Object.entries(known.properties ?? {});
  const name = props.schema.$ref?.split("/").at(-1) ?? wordsOf(known);
  if (properties.length === 0 || depth > 4) return <p>{props.title}: <code>{name}</code></p>;
  const nested = properties.flatMap(([field, schema]) => referencesIn(schema).map((reference) => [field, reference] as const));
  return (
    <details open={depth === 0 && props.title === "Body"}>
      <summary>{props.title}: <code>{name}</code></summary>
      <Prose text={known.description} />
      <table class="fields">
        <thead><tr><th>field</th><th>is</th><th>means</th></tr></thead>
        <tbody>
          {properties.map(([field, schema]) => (
            <FieldRow key={field} name={field} schema={schema} isRequired={known.required?.includes(field) ?? false} note={schema.description} />
          ))}
        </tbody>
      </table>
      {nested.map(([field, reference]) => <Shape key={field + reference} title={field} schema={{ $ref: reference }} document={props.document} depth={depth + 1} />)}
    </details>
  );
}

function referencesIn(schema: Schema): string[] {
  if (schema.$ref !== undefined) return [schema.$ref];
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.prefixItems ?? []), ...(schema.items ? [schema.items] : [])];
  return parts.flatMap(referencesIn);
}

function Answers(props: { document: Document; route: Route }) {
  const answers = Object.entries(props.route.operation.responses ?? {});
  return (
    <details>
      <summary>Answers: {answers.map(([status]) => <code key={status} class={`status s${status[0]}`}>{status}</code>)}</summary>
      {answers.map(([status, answer]) => {
        const known = resolve(props.document, answer);
        const content = jsonOf(known);
        return (
          <section key={status} class="answer">
            <Prose text={`\`${status}\` ${known.description ?? ""}`} />
            {content !== null && <Shape title="Answer" schema={content.schema} document={props.document} depth={1} />}
          </section>
        );
      })}
    </details>
  );
}

interface Tried {
  request: string;
  status: number;
  took: number;
  headers: [string, string][];
  text: string;
}

function TryForm(props: { document: Document; route: Route; parameters: Parameter[]; body: { schema: Schema; example: unknown } | null }) {
  const { route } = props;
  const id = idOf(route);
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(() =>
    props.body === null ? "" : JSON.stringify(props.body.example ?? exampleOf(props.document, props.body.schema), null, 2));
  const [tried, setTried] = useState<Tried | null>(null);
  const [failure, setFailure] = useState("");
  const send = async (): Promise<void> => {
    setFailure("");
    const began = performance.now();
    try {
      const { path, headers } = addressed(route.path, props.parameters, values);
      if (token.value !== null) headers["authorization"] = `Bearer ${token.value}`;
      if (props.body !== null) headers["content-type"] = "application/json";
      const answer = await fetch(path, { method: route.method, headers, ...(props.body === null ? {} : { body }) });
      const text = await answer.text();
      setTried({ request: `${route.method} ${path}`, status: answer.status, took: performance.now() - began, headers: [...answer.headers], text });
    } catch {
      setFailure("The server cannot be reached.");
    }
  };
  return (
    <form class="try" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      {props.parameters.map((parameter) => (
        <label key={parameter.name}><code>{parameter.name}</code>
          <input type="text" id={`${id}-${parameter.name}`} required={parameter.required ?? false} value={values[parameter.name] ?? ""}
            placeholder={String(parameter.example ?? parameter.schema?.examples?.[0] ?? parameter.schema?.default ?? "")}
            onInput={(event) => setValues({ ...values, [parameter.name]: event.currentTarget.value })} />
        </label>
      ))}
      {props.body !== null && (
        <label>body
          <textarea id={`${id}-body`} rows={Math.min(16, body.split("\n").length + 1)} spellcheck={false} value={body} onInput={(event) => setBody(event.currentTarget.value)} />
        </label>
      )}
      <button type="submit" class="primary">Send</button>
      <div aria-live="polite">
        {failure !== "" && <p class="error">{failure}</p>}
        {tried !== null && (
          <div class="tried">
            <p><code class={`status s${String(tried.status)[0]}`}>{tried.status}</code> <code>{tried.request}</code> <span class="state">{tried.took.toFixed(0)} ms</span></p>
            <details><summary>{tried.headers.length} headers</summary><pre>{tried.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</pre></details>
            <pre>{pretty(tried.text)}</pre>
          </div>
        )}
      </div>
    </form>
  );
}

/** The path with its parameters put in. */
function addressed(template: string, parameters: Parameter[], values: Record<string, string>) {
  let path = template;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const { name, in: where } of parameters) {
    const value = values[name] ?? "";
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "" && where === "query") query.set(name, value);
    else if (value !== "") headers[name] = value;
  }
  return { path: query.size > 0 ? `${path}?${query}` : path, headers };
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

startLook();
render(<Docs />, document.getElementById("app")!);
