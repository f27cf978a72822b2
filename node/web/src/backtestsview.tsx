// Backtests on what the node has stored: those that were run, a new one, a report.

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { group, round, trim } from "./decimal";
import { changesOf, draftOf, type Draft } from "./draft";
import { moment, span } from "./format";
import { backtestPath } from "./route";
import { status } from "./store";
import { Badge, Button, DialogForm, Figure, Gain, Money, Section, Table, confirm, openDialog } from "./ui";
import type { Backtest, BacktestSummary, Settings } from "./types";

/** Asks for the backtests, again while one is not done. */
function useBacktests(): { list: Backtest[] | null; error: string; again: () => void } {
  const [list, setList] = useState<Backtest[] | null>(null);
  const [error, setError] = useState("");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let wanted = true;
    api.backtests().then(
      (l) => {
        if (!wanted) return;
        setList(l);
        setError("");
      },
      (e: Error) => wanted && setError(e.message),
    );
    return () => {
      wanted = false;
    };
  }, [turn]);
  const busy = (list ?? []).some((b) => b.state !== "done" && b.state !== "failed");
  useEffect(() => {
    const timer = setTimeout(() => setTurn(turn + 1), busy ? 700 : 15_000);
    return () => clearTimeout(timer);
  }, [turn, busy]);
  return { list, error, again: () => setTurn(turn + 1) };
}

const states: Record<Backtest["state"], "good" | "bad" | "busy" | "plain"> = {
  done: "good",
  failed: "bad",
  running: "busy",
  waiting: "plain",
};

function StateBadge({ backtest: b }: { backtest: Backtest }) {
  return (
    <>
      <Badge tone={states[b.state] ?? "plain"}>{b.state}</Badge>
      {b.state === "running" && (
        <progress value={b.progress} max={1} aria-label={`Progress of the backtest of ${b.symbol}`}>
          {Math.round(b.progress * 100)} %
        </progress>
      )}
    </>
  );
}

const percents = (text: string) => `${group(trim(round(text, 2)))}\u00a0%`;

export function BacktestsView() {
  const { list, error, again } = useBacktests();
  return (
    <>
      <div class="head">
        <h1>Backtests</h1>
        <div class="buttons">
          <Button kind="primary" need="trade" onClick={() => openDialog(() => <NewForm done={again} />)}>
            New backtest
          </Button>
        </div>
      </div>
      {error !== "" && <p class="error" role="alert">{error}</p>}
      <Section title="On what this node has stored">
        <Table<Backtest>
          caption="Backtests, the latest first"
          rows={list ?? []}
          id={(b) => b.id}
          empty={list === null ? "Asking …" : "None was run yet."}
          columns={[
            { head: "Symbol", main: true, cell: (b) => (b.state === "done" ? <a href={backtestPath(b.id)}>{b.symbol}</a> : b.symbol) },
            { head: "Period", cell: (b) => <Period backtest={b} /> },
            { head: "State", cell: (b) => <StateBadge backtest={b} /> },
            { head: "Cycles", end: true, cell: (b) => b.summary?.cycles ?? "–" },
            { head: "Profit", end: true, cell: (b) => <Outcome backtest={b} /> },
            { head: "Started", wide: true, cell: (b) => moment(b.created_us) },
            {
              head: "",
              end: true,
              cell: (b) => (
                <Button small need="trade" label={`Delete the backtest of ${b.symbol}`} onClick={() => remove(b, again)}>
                  Delete
                </Button>
              ),
            },
          ]}
        />
      </Section>
      {(list ?? []).filter((b) => b.error).map((b) => (
        <p class="error" key={b.id}>
          {b.symbol}: {b.error}
        </p>
      ))}
    </>
  );
}

function Period({ backtest: b }: { backtest: Backtest }) {
  if (!b.from_us || !b.to_us) return <>all that is stored</>;
  return (
    <>
      {moment(b.from_us)} <span class="unit">for {span((b.to_us - b.from_us) / 1_000_000)}</span>
    </>
  );
}

function Outcome({ backtest: b }: { backtest: Backtest }) {
  if (!b.summary) return <>–</>;
  return (
    <>
      <Gain amount={b.summary.profit} asset="" /> <span class="unit">{percents(b.summary.profit_percent)}</span>
    </>
  );
}

function remove(b: Backtest, done: () => void): void {
  confirm({
    title: `Delete the backtest of ${b.symbol}?`,
    text: b.state === "done" ? "Its report goes with it." : "It is ended.",
    action: "Delete",
    danger: true,
    run: async () => {
      await api.removeBacktest(b.id);
      done();
      return `The backtest of ${b.symbol} is deleted`;
    },
  });
}

/** The fields of a backtest's settings. */
const fields = [
  { key: "budget", name: "Budget" },
  { key: "chunks", name: "Positions at most" },
  { key: "buy_down_interval", name: "Buy below the price by" },
  { key: "profit_target", name: "Profit of a cycle" },
  { key: "rebuy_interval", name: "Buy again below by" },
] as const;

const local = (ms: number) => {
  const d = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return d.toISOString().slice(0, 16);
};

function NewForm({ done }: { done: () => void }) {
  const symbols = (status.value?.symbols ?? []).map((s) => s.symbol);
  const [symbol, setSymbol] = useState(symbols[0] ?? "");
  const [from, setFrom] = useState(() => local(Date.now() - 86_400_000));
  const [to, setTo] = useState(() => local(Date.now()));
  const [holes, setHoles] = useState(false);
  const [settings, setSettings] = useState<Settings | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  useEffect(() => {
    let wanted = true;
    setSettings(null);
    if (symbol !== "") {
      api.setting(symbol).then(
        (s) => {
          if (!wanted) return;
          setSettings(s);
          setDraft(draftOf(s));
        },
        () => undefined, // not a symbol yet
      );
    }
    return () => {
      wanted = false;
    };
  }, [symbol]);
  const wrong = settings && draft ? changesOf(settings, draft).wrong : "";
  return (
    <DialogForm
      title="New backtest"
      action="Run it"
      ready={settings !== null && draft !== null && wrong === ""}
      run={async () => {
        const micros = (text: string) => (text === "" ? 0 : new Date(text).getTime() * 1000);
        await api.startBacktest({
          symbol,
          from_us: micros(from),
          to_us: micros(to),
          settings: { ...Object.fromEntries(fields.map((f) => [f.key, draft![f.key]])), chunks: Number(draft!.chunks) },
          allow_holes: holes,
        });
        done();
        return `The backtest of ${symbol} is under way`;
      }}
    >
      <p>The trader runs on past trades that this node has stored, at a simulated exchange.</p>
      <label class="field">
        <span>Symbol</span>
        <input list="backtest-symbols" required autoComplete="off" value={symbol} onInput={(e) => setSymbol(e.currentTarget.value.trim().toUpperCase())} />
        <datalist id="backtest-symbols">
          {symbols.map((s) => (
            <option key={s} value={s} />
          ))}
        </datalist>
      </label>
      <div class="pair">
        <label class="field">
          <span>From</span>
          <input type="datetime-local" value={from} onInput={(e) => setFrom(e.currentTarget.value)} />
        </label>
        <label class="field">
          <span>Until</span>
          <input type="datetime-local" value={to} onInput={(e) => setTo(e.currentTarget.value)} />
        </label>
      </div>
      {draft && (
        <fieldset>
          <legend>Settings, at first the symbol's own</legend>
          {fields.map((f) => (
            <label class="field" key={f.key}>
              <span>{f.name}</span>
              <input inputMode="decimal" autoComplete="off" value={draft[f.key]} onInput={(e) => setDraft({ ...draft, [f.key]: e.currentTarget.value.trim() })} />
            </label>
          ))}
        </fieldset>
      )}
      {wrong !== "" && <p class="error">{wrong}</p>}
      <label class="check">
        <input type="checkbox" checked={holes} onChange={(e) => setHoles(e.currentTarget.checked)} />
        <span>Run also where stored trades have holes</span>
      </label>
    </DialogForm>
  );
}

function Summary({ summary: s }: { summary: BacktestSummary }) {
  return (
    <dl class="figures">
      <Figure name="Profit">
        <Gain amount={s.profit} asset="" /> <span class="unit">{percents(s.profit_percent)}</span>
      </Figure>
      <Figure name="Buy and hold">{percents(s.buy_and_hold_percent)}</Figure>
      <Figure name="Cycles">
        {s.cycles} <span class="unit">{s.won} won</span>
      </Figure>
      <Figure name="Fees">
        <Money amount={s.fees} asset="" />
      </Figure>
      <Figure name="Largest drawdown">
        <Money amount={s.max_drawdown} asset="" /> <span class="unit">{percents(s.max_drawdown_percent)}</span>
      </Figure>
      <Figure name="Trades">
        {group(String(s.trades))} {s.missing_trades > 0 && <span class="unit">{s.missing_trades} missing</span>}
      </Figure>
    </dl>
  );
}

/** One backtest: its settings and its report. */
export function BacktestView({ id }: { id: string }) {
  const [b, setB] = useState<Backtest | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let wanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () =>
      api.backtest(id).then(
        (b) => {
          if (!wanted) return;
          setB(b);
          if (b.state === "running" || b.state === "waiting") timer = setTimeout(ask, 700);
        },
        (e: Error) => wanted && setError(e.message),
      );
    void ask();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [id]);
  if (error !== "") {
    return (
      <>
        <h1>Backtest</h1>
        <p class="error" role="alert">{error}</p>
        <p><a href="#/backtests">All backtests</a></p>
      </>
    );
  }
  if (!b) return <p class="empty">Asking …</p>;
  return (
    <>
      <div class="head">
        <div>
          <h1>Backtest of {b.symbol}</h1>
          <p class="facts-line">
            <StateBadge backtest={b} /> <Period backtest={b} />
          </p>
        </div>
        <div class="buttons">
          {b.state === "done" && (
            <a class="button" href={api.reportPath(id)} target="_blank" rel="noreferrer">
              Report in a window
            </a>
          )}
          <a class="button" href="#/backtests">All backtests</a>
        </div>
      </div>
      {b.error && <p class="error" role="alert">{b.error}</p>}
      {b.summary && <Summary summary={b.summary} />}
      {b.state === "done" && (
        // The report is a page of its own: in the sandbox it can't reach the API.
        <iframe class="report" sandbox="allow-scripts" src={api.reportPath(id)} title={`Report of the backtest of ${b.symbol}`} />
      )}
    </>
  );
}
