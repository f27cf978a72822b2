// Settings as they are being edited, and what that changes.

import { compare, isDecimal } from "./decimal";
import type { Change, Settings } from "./types";

/** A setting with its name for people. */
export interface Named<K> {
  key: K;
  name: string;
  hint?: string;
}

/** What the fields of the form hold. */
export interface Draft {
  chunks: string;
  budget: string;
  buy_down_interval: string;
  profit_target: string;
  rebuy_interval: string;
  streaming: boolean;
  aggregating: boolean;
  collect_trade_events: boolean;
  collect_orders: boolean;
  collect_ohlc: boolean;
}

export function draftOf(s: Settings): Draft {
  return {
    chunks: String(s.trading.chunks),
    budget: s.trading.budget,
    buy_down_interval: s.trading.buy_down_interval,
    profit_target: s.trading.profit_target,
    rebuy_interval: s.trading.rebuy_interval,
    streaming: s.streaming,
    aggregating: s.aggregating,
    collect_trade_events: s.collecting.trade_events,
    collect_orders: s.collecting.orders,
    collect_ohlc: s.collecting.ohlc,
  };
}

const names: Record<keyof Draft, string> = {
  chunks: "positions",
  budget: "budget",
  buy_down_interval: "buy below",
  profit_target: "profit",
  rebuy_interval: "buy again below",
  streaming: "stream",
  aggregating: "candles",
  collect_trade_events: "store trades",
  collect_orders: "store orders",
  collect_ohlc: "store candles",
};

const amounts = ["budget", "buy_down_interval", "profit_target", "rebuy_interval"] as const;
const switches = ["streaming", "aggregating", "collect_trade_events", "collect_orders", "collect_ohlc"] as const;

/** What a draft changes: for the API, and in words. wrong says what can't be sent. */
export function changesOf(s: Settings, d: Draft): { change: Change; list: string[]; wrong: string } {
  const before = draftOf(s);
  const change: Change = {};
  const list: string[] = [];
  const wrong: string[] = [];
  if (!/^\d{1,3}$/.test(d.chunks)) wrong.push(`${names.chunks} "${d.chunks}": want a whole number`);
  else if (Number(d.chunks) !== s.trading.chunks) {
    change.chunks = Number(d.chunks);
    list.push(`${names.chunks} ${before.chunks} → ${d.chunks}`);
  }
  for (const key of amounts) {
    if (!isDecimal(d[key])) wrong.push(`${names[key]} "${d[key]}": want a number such as 0.001`);
    else if (compare(d[key], before[key]) !== 0) {
      change[key] = d[key];
      list.push(`${names[key]} ${before[key]} → ${d[key]}`);
    }
  }
  for (const key of switches) {
    if (d[key] === before[key]) continue;
    change[key] = d[key];
    list.push(`${names[key]} ${d[key] ? "on" : "off"}`);
  }
  return { change, list, wrong: wrong.join("; ") };
}
