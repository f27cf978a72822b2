// The small parts that all views are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { sign } from "./decimal";
import { gain, money } from "./format";
import { may, role, route, say } from "./store";
import type { Plan, Role } from "./types";

type Tone = "good" | "bad" | "warn" | "busy" | "plain";

/** A word in a frame; its tone never says more than the word. */
export function Badge({ tone = "plain", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A gain or a loss, with its sign. */
export function Gain({ amount, asset, unit = false }: { amount: string; asset: string; unit?: boolean }) {
  const s = sign(amount);
  return (
    <span class={s > 0 ? "gain" : s < 0 ? "loss" : ""} title={`${amount} ${asset}`}>
      {gain(amount, asset)}
      {unit && <span class="unit"> {asset}</span>}
    </span>
  );
}

export function Money({ amount, asset, unit = false }: { amount: string; asset: string; unit?: boolean }) {
  return (
    <span title={`${amount} ${asset}`}>
      {money(amount, asset)}
      {unit && <span class="unit"> {asset}</span>}
    </span>
  );
}

/** BUY or SELL, told apart by word, sign and colour. */
export function Side({ side }: { side: "BUY" | "SELL" }) {
  return side === "BUY" ? <span class="buy">▲&nbsp;Buy</span> : <span class="sell">▼&nbsp;Sell</span>;
}

interface ButtonProps {
  /** The role that what it does needs. */
  need?: Role;
  kind?: "primary" | "danger" | "plain";
  small?: boolean;
  disabled?: boolean;
  /** Why it is disabled. */
  why?: string;
  onClick?: () => void;
  submit?: boolean;
  label?: string;
  children: ComponentChildren;
}

/** A button; one that the role does not allow is disabled and says why. */
export function Button({ need = "none", kind = "plain", small, disabled, why, onClick, submit, label, children }: ButtonProps) {
  const allowed = may(need);
  const reason = allowed ? why : `needs the role ${need}; yours is ${role.value}`;
  return (
    <button
      type={submit ? "submit" : "button"}
      class={`button ${kind}${small ? " small" : ""}`}
      disabled={disabled || !allowed}
      title={disabled || !allowed ? reason : undefined}
      aria-label={label}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** Numbers stand at the right. */
  end?: boolean;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Heads the row. */
  main?: boolean;
}

interface TableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string | number;
  empty: ComponentChildren;
  mark?: (row: T) => string;
  /** Stays a table on a narrow screen. */
  flat?: boolean;
}

/** A table; on a narrow screen each row is a card. The roles keep it a table there. */
export function Table<T>({ caption, columns, rows, id, empty, mark, flat }: TableProps<T>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const side = (c: Column<T>) => `${c.end ? "end" : ""}${c.wide ? " wide" : ""}${c.main ? " main" : ""}`;
  return (
    <table role="table" class={flat ? "" : "cards"}>
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((c) => (
            <th key={c.head} role="columnheader" scope="col" class={side(c)}>
              {c.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={id(row)} role="row" class={mark?.(row) ?? ""}>
            {columns.map((c) =>
              c.main ? (
                <th key={c.head} role="rowheader" scope="row" class={side(c)}>
                  {c.cell(row)}
                </th>
              ) : (
                <td key={c.head} role="cell" class={side(c)} data-head={c.head}>
                  {c.cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A part of a view with a heading. */
export function Section({ title, extra, children }: { title: string; extra?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{title}</h2>
        {extra}
      </div>
      {children}
    </section>
  );
}

/** One figure with its name. */
export function Figure({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A choice of one of a few. */
export function Choice<T extends string | number>(p: {
  legend: string;
  options: readonly T[];
  name: (option: T) => string;
  chosen: T;
  choose: (option: T) => void;
}) {
  const group = useId();
  return (
    <fieldset class="choice">
      <legend class="unseen">{p.legend}</legend>
      {p.options.map((o) => (
        <label key={o}>
          <input type="radio" name={group} checked={o === p.chosen} onChange={() => p.choose(o)} />
          <span>{p.name(o)}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What the open dialog shows; one at a time. */
const shown = signal<{ content: () => ComponentChildren } | null>(null);

export function openDialog(content: () => ComponentChildren): void {
  shown.value = { content };
}

export function closeDialog(): void {
  shown.value = null;
}

/** Where dialogs appear. */
export function DialogPlace() {
  const dialog = useRef<HTMLDialogElement>(null);
  const what = shown.value;
  useEffect(() => {
    if (what) dialog.current?.showModal();
  }, [what]);
  // Whoever goes elsewhere, as by the browser's way back, leaves the dialog; so does whoever
  // is not let in any more.
  useEffect(() => closeDialog, [route.value, role.value]);
  if (!what) return null;
  const Content = what.content;
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={closeDialog}>
      <Content />
    </dialog>
  );
}

interface FormProps {
  title: string;
  action: string;
  kind?: "primary" | "danger";
  ready?: boolean;
  /** Does it; what it returns is said, what it throws is shown. */
  run: () => Promise<string>;
  children: ComponentChildren;
}

/** The frame of a dialog: what it asks, and the buttons to do it or not. */
export function DialogForm({ title, action, kind = "primary", ready = true, run, children }: FormProps) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      const done = await run();
      closeDialog();
      say(done);
    } catch (e) {
      setError((e as Error).message);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <h2 id="dialog-title">{title}</h2>
      {children}
      {error !== "" && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div class="buttons">
        <Button onClick={closeDialog}>Cancel</Button>
        <Button submit kind={kind} disabled={busy || !ready}>
          {busy ? "Working …" : action}
        </Button>
      </div>
    </form>
  );
}

/** What a change of the cluster would lead to, asked of the node before it is made. */
export function Preview({ plan, on }: { plan: () => Promise<Plan>; on: unknown }) {
  const [found, setFound] = useState<Plan | string | null>(null);
  useEffect(() => {
    let wanted = true;
    setFound(null);
    plan().then(
      (p) => wanted && setFound(p),
      (e: Error) => wanted && setFound(e.message),
    );
    return () => {
      wanted = false;
    };
  }, [on]);
  if (found === null) return <p class="empty">Asking what would move …</p>;
  if (typeof found === "string") return <p class="error">{found}</p>;
  if (found.moves.length === 0) return <p class="empty">No symbol would move.</p>;
  return (
    <ul class="moves" aria-label="What would move">
      {found.moves.map((m) => (
        <li key={m.symbol}>
          <b>{m.symbol}</b> {m.from || "nobody"} → {m.to || "nobody"}
        </li>
      ))}
    </ul>
  );
}

/** Asks whether to do something. */
export function confirm(p: {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  plan?: () => Promise<Plan>;
  run: () => Promise<string>;
}): void {
  openDialog(() => (
    <DialogForm title={p.title} action={p.action} kind={p.danger ? "danger" : "primary"} run={p.run}>
      <p>{p.text}</p>
      {p.plan && <Preview plan={p.plan} on={p.title} />}
    </DialogForm>
  ));
}
