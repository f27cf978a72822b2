// What is known of orders and positions, from answers and from news, which come in any order.

import { add, compare, multiply, sign, subtract } from "./decimal";
import type { Order, Position } from "./types";

const ranks: Record<string, number> = { PENDING_NEW: 1, NEW: 2, PARTIALLY_FILLED: 3 };

const rank = (status: string) => ranks[status] ?? 4;

/** Whether an order in this state may still fill. */
export function resting(status: string): boolean {
  return rank(status) < 4;
}

/** Whether a tells more of the same order than b: what is filled never shrinks, a state never goes back. */
export function supersedes(a: Order, b: Order): boolean {
  const filled = compare(a.executed_quantity, b.executed_quantity);
  if (filled !== 0) return filled > 0 && !(rank(b.status) === 4 && rank(a.status) < 4);
  return rank(a.status) > rank(b.status);
}

/** Notes an order unless more is known of it; returns whether it did. */
export function note(known: Map<number, Order>, o: Order): boolean {
  const before = known.get(o.order_id);
  if (before && !supersedes(o, before)) return false;
  known.set(o.order_id, o);
  return true;
}

/** What a position is doing, in a word or two. */
export function stage(p: Position): string {
  if (p.state !== "open") return p.state;
  if (!p.buy) return "about to buy";
  if (resting(p.buy.status)) return p.buy.status === "PARTIALLY_FILLED" ? "buying, partly filled" : "buying";
  if (!p.sell) return sign(p.buy.executed_quantity) > 0 ? "about to sell" : "about to buy";
  if (resting(p.sell.status)) return p.sell.status === "PARTIALLY_FILLED" ? "selling, partly filled" : "selling";
  return "closing";
}

/** What an open position that has bought would gain before fees if the rest were sold at the price; null where nothing is held. */
export function paper(p: Position, price: string): string | null {
  const { buy, sell } = p;
  if (p.state !== "open" || !buy || sign(buy.executed_quantity) === 0) return null;
  const held = subtract(buy.executed_quantity, sell?.executed_quantity ?? "0");
  const value = add(multiply(held, price), sell?.quote_quantity ?? "0");
  return subtract(value, buy.quote_quantity);
}

/** Open positions first, by their slots; then the others, the latest first. */
export function inOrder(positions: Iterable<Position>): Position[] {
  return [...positions].sort((a, b) => {
    const [x, y] = [a.state === "open", b.state === "open"];
    if (x !== y) return x ? -1 : 1;
    return x ? a.slot - b.slot : (b.end_time ?? b.start_time) - (a.end_time ?? a.start_time);
  });
}
