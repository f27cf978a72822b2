// Changing what runs for a symbol, and how it trades.

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { compare, divide, isDecimal } from "./decimal";
import { money, percent } from "./format";
import { changesOf, type Draft, draftOf, type Named } from "./draft";
import { Button, DialogForm, closeDialog, confirm, openDialog } from "./ui";
import type { Settings } from "./types";

/** Asks whether to begin trading, and begins it. */
export function startTrading(symbol: string): void {
  openDialog(() => (
    <Loaded symbol={symbol}>{(s) => <StartForm settings={s} />}</Loaded>
  ));
}

function StartForm({ settings: s }: { settings: Settings }) {
  const [keep, setKeep] = useState(true);
  const t = s.trading;
  return (
    <DialogForm
      title={`Start trading ${s.symbol}?`}
      action="Start trading"
      run={async () => {
        await api.change(s.symbol, {
          streaming: true,
          trading_status: "on",
          ...(keep && { collect_trade_events: true, collect_orders: true, collect_ohlc: true, aggregating: true }),
        });
        return `${s.symbol} is traded from now on`;
      }}
    >
      <p>
        It buys with up to <b>{money(t.budget, "USD")}</b> of the quote asset, in {t.chunks} {t.chunks === 1 ? "part" : "parts"} of{" "}
        {money(divide(t.budget, String(t.chunks), 8), "USD")}, {percent(t.buy_down_interval)} below the price; sells for{" "}
        {percent(t.profit_target)} of profit after fees; and buys again {percent(t.rebuy_interval)} further down. It can lose money.
      </p>
      <label class="check">
        <input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} />
        <span>Store trades and orders, and build candles</span>
      </label>
    </DialogForm>
  );
}

/** Asks whether to end trading, in order or at once. */
export function stopTrading(symbol: string, to: "shutdown" | "off"): void {
  confirm({
    title: to === "shutdown" ? `Shut down ${symbol}?` : `Stop ${symbol} now?`,
    text:
      to === "shutdown"
        ? "What is held is sold at its target; nothing new is bought. When the last position has ended, trading turns off by itself."
        : "Trading ends at once. Orders that rest at the exchange stay there, and nobody looks after them.",
    action: to === "shutdown" ? "Shut down" : "Stop now",
    danger: to === "off",
    run: async () => {
      await api.change(symbol, { trading_status: to });
      return to === "shutdown" ? `${symbol} is being shut down` : `${symbol} is not traded any more`;
    },
  });
}

/** Shows a symbol's settings, to change them. */
export function changeSettings(symbol: string): void {
  openDialog(() => (
    <Loaded symbol={symbol}>{(s) => <SettingsForm settings={s} />}</Loaded>
  ));
}

/** Asks for a symbol's settings and shows what is made of them. */
function Loaded({ symbol, children }: { symbol: string; children: (s: Settings) => preact.ComponentChildren }) {
  const [found, setFound] = useState<Settings | string | null>(null);
  useEffect(() => {
    let wanted = true;
    api.setting(symbol).then(
      (s) => wanted && setFound(s),
      (e: Error) => wanted && setFound(e.message),
    );
    return () => {
      wanted = false;
    };
  }, [symbol]);
  if (found && typeof found !== "string") return <>{children(found)}</>;
  return (
    <>
      <h2 id="dialog-title">{symbol}</h2>
      {found ? <p class="error" role="alert">{found}</p> : <p class="empty">Asking for its settings …</p>}
      <div class="buttons">
        <Button onClick={closeDialog}>Close</Button>
      </div>
    </>
  );
}

const shares: Named<"buy_down_interval" | "profit_target" | "rebuy_interval">[] = [
  { key: "buy_down_interval", name: "Buy below the price by", hint: "share of the price" },
  { key: "profit_target", name: "Profit of a cycle", hint: "share of the buy price, after fees" },
  { key: "rebuy_interval", name: "Buy again below by", hint: "share of the buy price" },
];

const switches: Named<"streaming" | "aggregating" | "collect_trade_events" | "collect_orders" | "collect_ohlc">[] = [
  { key: "streaming", name: "Stream trades from the exchange" },
  { key: "aggregating", name: "Build candles" },
  { key: "collect_trade_events", name: "Store trades" },
  { key: "collect_orders", name: "Store orders" },
  { key: "collect_ohlc", name: "Store candles" },
];

function SettingsForm({ settings }: { settings: Settings }) {
  const [draft, setDraft] = useState<Draft>(draftOf(settings));
  const changes = changesOf(settings, draft);
  const set = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const text = (key: "chunks" | "budget" | (typeof shares)[number]["key"], name: string, hint: string, shown?: string) => (
    <label class="field" key={key}>
      <span>
        {name} <small>{hint}</small>
      </span>
      <span class="with-hint">
        <input inputMode="decimal" autoComplete="off" value={draft[key]} onInput={(e) => set({ [key]: e.currentTarget.value.trim() })} aria-invalid={!isDecimal(draft[key])} />
        {shown && <output>{shown}</output>}
      </span>
    </label>
  );
  return (
    <DialogForm
      title={`Settings of ${settings.symbol}`}
      action={changes.list.length === 0 ? "Nothing changed" : `Save ${changes.list.length === 1 ? "1 change" : `${changes.list.length} changes`}`}
      ready={changes.list.length > 0 && changes.wrong === ""}
      run={async () => {
        await api.change(settings.symbol, changes.change);
        return `${settings.symbol}: ${changes.list.join("; ")}`;
      }}
    >
      <fieldset>
        <legend>Trading</legend>
        {text("budget", "Budget", "all positions together, in the quote asset", isDecimal(draft.budget) ? money(draft.budget, "USD") : undefined)}
        {text("chunks", "Positions at most", "1 to 100")}
        {shares.map((s) => text(s.key, s.name, s.hint ?? "", isDecimal(draft[s.key]) ? percent(draft[s.key]) : undefined))}
      </fieldset>
      <fieldset>
        <legend>Data</legend>
        {switches.map((s) => (
          <label class="check" key={s.key}>
            <input type="checkbox" checked={draft[s.key]} onChange={(e) => set({ [s.key]: e.currentTarget.checked })} />
            <span>{s.name}</span>
          </label>
        ))}
      </fieldset>
      {changes.wrong !== "" && <p class="error">{changes.wrong}</p>}
      {changes.list.length > 0 && (
        <ul class="moves" aria-label="What will change">
          {changes.list.map((c) => (
            <li key={c}>{c}</li>
          ))}
        </ul>
      )}
      {settings.trading.status !== "off" && compare(draft.budget === "" || !isDecimal(draft.budget) ? "0" : draft.budget, settings.trading.budget) !== 0 && (
        <p class="note">It is being traded: new orders follow the new settings, those that rest stay as they are.</p>
      )}
    </DialogForm>
  );
}
