// Which symbols have changed hands, and what is known of the cluster's past.

import type { ClusterEvent, ClusterSymbol } from "./types";

/** The symbols whose owner is another one than before; nothing while the former is not known. */
export function arrivals(before: ClusterSymbol[] | null, after: ClusterSymbol[]): string[] {
  if (!before) return [];
  const epochs = new Map(before.map((s) => [s.symbol, `${s.node} ${s.epoch}`]));
  return after.filter((s) => s.node !== "" && epochs.get(s.symbol) !== `${s.node} ${s.epoch}`).map((s) => s.symbol);
}

/** How many events are kept. */
const kept = 500;

const key = (e: ClusterEvent) => `${e.time_us} ${e.kind} ${e.node ?? ""} ${e.symbol ?? ""} ${e.text}`;

/** Adds events to those that are known, the latest first; a server that is asked again repeats some. */
export function mergeEvents(known: ClusterEvent[], more: ClusterEvent[]): ClusterEvent[] {
  const seen = new Set(known.map(key));
  const fresh = more.filter((e) => !seen.has(key(e)));
  if (fresh.length === 0) return known;
  return [...known, ...fresh].sort((a, b) => b.time_us - a.time_us).slice(0, kept);
}
