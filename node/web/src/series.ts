// The candles of a chart: stored ones, and the one that still grows, which is put together
// from shorter ones and from trades. A chart may be drawn with floating-point numbers.

import { resting } from "./orders";
import type { Candle, Order, Trade } from "./types";

/** The lengths that the node builds, in minutes. */
export const lengths = [1, 5, 15, 60, 240, 1440] as const;

export interface Bar {
  /** Start in seconds since the Unix epoch. */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

/** The start of the candle that a time falls into, in seconds since the Unix epoch. */
export function startOf(us: number, minutes: number): number {
  const length = minutes * 60;
  return Math.floor(us / 1_000_000 / length) * length;
}

export function barOf(c: Candle): Bar {
  return {
    time: c.start_time / 1_000_000,
    open: Number(c.open),
    high: Number(c.high),
    low: Number(c.low),
    close: Number(c.close),
  };
}

/**
 * The bars of one length: the stored candles, and behind the last of them what the candles
 * of a minute, and behind those the trades, make of the time since. All three are in the
 * order of time.
 */
export function bars(stored: Candle[], ofMinute: Candle[], trades: Trade[], minutes: number): Bar[] {
  const all = stored.map(barOf);
  let end = endOf(all, minutes);
  if (minutes > 1) {
    const rest = ofMinute.map(barOf).filter((b) => b.time >= end);
    for (const b of rest) add(all, b, minutes);
    const last = rest.at(-1);
    if (last) end = last.time + 60;
  }
  for (const t of trades) {
    if (t.trade_time / 1_000_000 >= end) addTrade(all, t, minutes);
  }
  return all;
}

function endOf(all: Bar[], minutes: number): number {
  const last = all.at(-1);
  return last ? last.time + minutes * 60 : 0;
}

/** Adds a shorter bar to the one that it belongs to. */
function add(all: Bar[], b: Bar, minutes: number): Bar {
  const time = startOf(b.time * 1_000_000, minutes);
  const last = all.at(-1);
  if (last && last.time >= time) {
    last.high = Math.max(last.high, b.high);
    last.low = Math.min(last.low, b.low);
    last.close = b.close;
    return last;
  }
  const bar = { ...b, time };
  all.push(bar);
  return bar;
}

/** Adds a trade to the newest bar, or begins one with it; returns the bar. A late trade is added to the newest. */
export function addTrade(all: Bar[], t: Trade, minutes: number): Bar {
  const p = Number(t.price);
  return add(all, { time: t.trade_time / 1_000_000, open: p, high: p, low: p, close: p }, minutes);
}

/** Puts a finished candle in the place of what trades have made of it so far; false where it is older than all bars. */
export function finish(all: Bar[], c: Candle): boolean {
  const bar = barOf(c);
  for (let i = all.length - 1; i >= 0; i--) {
    const at = all[i]!;
    if (at.time === bar.time) {
      all[i] = bar;
      return true;
    }
    if (at.time < bar.time) {
      all.splice(i + 1, 0, bar);
      return true;
    }
  }
  if (all.length > 0) return false;
  all.push(bar);
  return true;
}

/** What we bought or sold within one candle. */
export interface Mark {
  time: number;
  side: "BUY" | "SELL";
  count: number;
}

/** Our fills by candle and side, in the order of time. */
export function marks(orders: Iterable<Order>, minutes: number): Mark[] {
  const found = new Map<string, Mark>();
  for (const o of orders) {
    if (Number(o.executed_quantity) === 0) continue;
    const time = startOf(o.update_time, minutes);
    const key = `${time} ${o.side}`;
    const mark = found.get(key);
    if (mark) mark.count++;
    else found.set(key, { time, side: o.side, count: 1 });
  }
  return [...found.values()].sort((a, b) => a.time - b.time || a.side.localeCompare(b.side));
}

/** A price at which our orders rest. */
export interface Level {
  price: number;
  side: "BUY" | "SELL";
  count: number;
}

/** The prices at which orders rest, from the highest down. */
export function levels(orders: Iterable<Order>): Level[] {
  const found = new Map<string, Level>();
  for (const o of orders) {
    if (!resting(o.status)) continue;
    const key = `${Number(o.price)} ${o.side}`;
    const level = found.get(key);
    if (level) level.count++;
    else found.set(key, { price: Number(o.price), side: o.side, count: 1 });
  }
  return [...found.values()].sort((a, b) => b.price - a.price);
}
