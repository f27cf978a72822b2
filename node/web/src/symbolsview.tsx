// All symbols that the exchange lists, to find one and switch it on.

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { TradingBadge } from "./clusterview";
import { money } from "./format";
import { symbolPath } from "./route";
import { changeSettings, startTrading } from "./settings";
import { status, symbols } from "./store";
import { Button, Choice, Section, Table } from "./ui";
import type { Settings } from "./types";

const whose = ["switched on", "all"] as const;
const shown = 100;

export function SymbolsView() {
  const [all, setAll] = useState<Settings[] | null>(null);
  const [error, setError] = useState("");
  const [words, setWords] = useState("");
  const [which, setWhich] = useState<(typeof whose)[number] | null>(null);
  // What is switched on changes with the status; the rest only then.
  const active = status.value?.symbols ?? [];
  const names = active.map((s) => s.symbol).join(" ");
  useEffect(() => {
    let wanted = true;
    api.settings().then(
      (s) => {
        if (!wanted) return;
        setAll(s);
        setError("");
      },
      (e: Error) => wanted && setError(e.message),
    );
    return () => {
      wanted = false;
    };
  }, [names]);

  const running = new Map(active.map((s) => [s.symbol, s]));
  const owners = new Map((symbols.value ?? []).map((s) => [s.symbol, s.node]));
  const choice = which ?? (active.length === 0 && status.value ? "all" : "switched on");
  const sought = words.trim().toUpperCase();
  const from = choice === "all" || sought !== "" ? (all ?? []) : active;
  const rows = from.filter((s) => s.symbol.includes(sought)).map((s): Settings => running.get(s.symbol) ?? s);
  return (
    <>
      <h1>Symbols</h1>
      <div class="tools">
        <Choice legend="Which symbols" options={whose} name={(w) => w} chosen={choice} choose={setWhich} />
        <label class="field inline">
          <span class="unseen">Search for a symbol</span>
          <input type="search" placeholder={all ? `Search in ${all.length} symbols` : "Search"} value={words} onInput={(e) => setWords(e.currentTarget.value)} />
        </label>
      </div>
      {error !== "" && <p class="error" role="alert">{error}</p>}
      <Section title={choice === "all" || sought !== "" ? "What the exchange lists" : "What is switched on"}>
        <Table<Settings>
          caption="Symbols and their settings"
          rows={rows.slice(0, shown)}
          id={(s) => s.symbol}
          empty={all === null ? "Asking …" : sought ? "No symbol is called that." : "Nothing is switched on. Look under “all”."}
          columns={[
            { head: "Symbol", main: true, cell: (s) => <a href={symbolPath(s.symbol)}>{s.symbol}</a> },
            { head: "State", cell: (s) => <TradingBadge settings={running.get(s.symbol)} /> },
            { head: "Node", cell: (s) => owners.get(s.symbol) || "–" },
            { head: "Budget", end: true, cell: (s) => money(s.trading.budget, "USD") },
            { head: "Positions", end: true, wide: true, cell: (s) => `${running.get(s.symbol)?.open_positions ?? 0} of ${s.trading.chunks}` },
            {
              head: "",
              end: true,
              cell: (s) => (
                <span class="buttons">
                  {s.trading.status === "off" && (
                    <Button small need="trade" label={`Start trading ${s.symbol}`} onClick={() => startTrading(s.symbol)}>
                      Start
                    </Button>
                  )}
                  <Button small need="trade" label={`Settings of ${s.symbol}`} onClick={() => changeSettings(s.symbol)}>
                    Settings
                  </Button>
                </span>
              ),
            },
          ]}
        />
        {rows.length > shown && <p class="note">The first {shown} of {rows.length}; search to find others.</p>}
      </Section>
    </>
  );
}
