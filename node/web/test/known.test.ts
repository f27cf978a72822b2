import { describe, expect, test } from "vitest";
import { changesOf, draftOf } from "../src/draft";
import { inOrder, note, paper, resting, stage, supersedes } from "../src/orders";
import { parseRoute, symbolPath, titleOf } from "../src/route";
import { arrivals, mergeEvents } from "../src/takeover";
import type { ClusterEvent, ClusterSymbol, Order, Position, Settings } from "../src/types";

function order(status: string, executed: string, more: Partial<Order> = {}): Order {
  return {
    symbol: "XRPUSDT", order_id: 1, client_order_id: "c", side: "BUY", status, price: "0.43", original_quantity: "10",
    executed_quantity: executed, quote_quantity: "0", time: 1, update_time: 1, ...more,
  };
}

function position(more: Partial<Position>): Position {
  return { symbol: "XRPUSDT", position_id: "a", slot: 0, state: "open", rebuy_triggered: false, start_time: 1, profit: "0", ...more };
}

describe("orders", () => {
  test("never go back", () => {
    const known = new Map<number, Order>();
    expect(note(known, order("NEW", "0"))).toBe(true);
    expect(note(known, order("FILLED", "10"))).toBe(true);
    expect(note(known, order("PARTIALLY_FILLED", "4"))).toBe(false);
    expect(note(known, order("NEW", "0"))).toBe(false);
    expect(known.get(1)?.status).toBe("FILLED");
  });

  test("that have ended do not rest again for a larger fill", () => {
    expect(supersedes(order("PARTIALLY_FILLED", "5"), order("CANCELED", "4"))).toBe(false);
    expect(supersedes(order("CANCELED", "4"), order("PARTIALLY_FILLED", "4.0"))).toBe(true);
  });

  test("compare their fills as numbers", () => {
    expect(supersedes(order("PARTIALLY_FILLED", "10"), order("PARTIALLY_FILLED", "9.5"))).toBe(true);
  });

  test("rest while they may fill", () => {
    expect(["NEW", "PARTIALLY_FILLED", "PENDING_NEW"].every(resting)).toBe(true);
    expect(["FILLED", "CANCELED", "EXPIRED", "REJECTED", "EXPIRED_IN_MATCH"].some(resting)).toBe(false);
  });
});

describe("positions", () => {
  const bought = order("FILLED", "10", { quote_quantity: "4.3" });
  test.each([
    [position({}), "about to buy"],
    [position({ buy: order("NEW", "0") }), "buying"],
    [position({ buy: order("PARTIALLY_FILLED", "1") }), "buying, partly filled"],
    [position({ buy: order("CANCELED", "0") }), "about to buy"],
    [position({ buy: bought }), "about to sell"],
    [position({ buy: bought, sell: order("NEW", "0") }), "selling"],
    [position({ buy: bought, sell: order("FILLED", "10") }), "closing"],
    [position({ state: "finished" }), "finished"],
  ])("say what they do (%#)", (p, want) => expect(stage(p)).toBe(want));

  test("are worth on paper what they would bring, less what they cost", () => {
    expect(paper(position({ buy: bought }), "0.44")).toBe("0.10");
    expect(paper(position({ buy: bought, sell: order("PARTIALLY_FILLED", "5", { quote_quantity: "2.2" }) }), "0.40")).toBe("-0.10");
    expect(paper(position({ buy: order("NEW", "0") }), "0.44")).toBeNull();
    expect(paper(position({ buy: bought, state: "finished" }), "0.44")).toBeNull();
  });

  test("are listed open ones first, then the latest", () => {
    const list = inOrder([
      position({ position_id: "old", state: "finished", end_time: 5 }),
      position({ position_id: "second", slot: 1 }),
      position({ position_id: "new", state: "finished", end_time: 9 }),
      position({ position_id: "first", slot: 0 }),
    ]);
    expect(list.map((p) => p.position_id)).toEqual(["first", "second", "new", "old"]);
  });
});

describe("takeovers", () => {
  const owned = (symbol: string, node: string, epoch: number): ClusterSymbol => ({ symbol, node, epoch, since_us: 1, weight: 1, active: true });

  test("are owners that were others before", () => {
    const before = [owned("A", "n1", 1), owned("B", "n2", 1), owned("C", "", 0)];
    expect(arrivals(before, [owned("A", "n1", 1), owned("B", "n3", 2), owned("C", "n1", 1), owned("D", "", 0)])).toEqual(["B", "C"]);
    expect(arrivals(null, before)).toEqual([]);
  });

  test("events that are told again are there once, the latest first", () => {
    const event = (time_us: number, text: string): ClusterEvent => ({ time_us, kind: "owner", symbol: "A", node: "n1", text });
    const first = mergeEvents([], [event(1, "a"), event(2, "b")]);
    const all = mergeEvents(first, [event(2, "b"), event(3, "c")]);
    expect(all.map((e) => e.text)).toEqual(["c", "b", "a"]);
    expect(mergeEvents(all, [event(1, "a")])).toBe(all);
  });
});

test("addresses lead to views and back", () => {
  expect(parseRoute("")).toEqual({ view: "cluster" });
  expect(parseRoute("#/")).toEqual({ view: "cluster" });
  expect(parseRoute("#/symbols")).toEqual({ view: "symbols" });
  expect(parseRoute(symbolPath("XRP/USDT"))).toEqual({ view: "symbol", symbol: "XRP/USDT" });
  expect(parseRoute("#/backtests/7")).toEqual({ view: "backtest", id: "7" });
  expect(parseRoute("#/events/7").view).toBe("nowhere");
  expect(parseRoute("#/%").view).toBe("nowhere");
  expect(titleOf(parseRoute("#/events"))).toBe("Events");
});

describe("a draft of settings", () => {
  const settings: Settings = {
    symbol: "XRPUSDT", streaming: true, aggregating: false, collecting: { trade_events: true, orders: false, ohlc: false },
    trading: { status: "off", chunks: 5, budget: "1000", buy_down_interval: "0.0001", profit_target: "0.002", rebuy_interval: "0.001" },
  };

  test("changes nothing where the numbers are the same", () => {
    expect(changesOf(settings, { ...draftOf(settings), budget: "1000.00" })).toEqual({ change: {}, list: [], wrong: "" });
  });

  test("sends what has changed alone", () => {
    const { change, list } = changesOf(settings, { ...draftOf(settings), budget: "2000", chunks: "4", streaming: false });
    expect(change).toEqual({ budget: "2000", chunks: 4, streaming: false });
    expect(list).toEqual(["positions 5 → 4", "budget 1000 → 2000", "stream off"]);
  });

  test("says what is no number", () => {
    const { change, wrong } = changesOf(settings, { ...draftOf(settings), chunks: "4.5", profit_target: "1,5" });
    expect(change).toEqual({});
    expect(wrong).toContain('"4.5"');
    expect(wrong).toContain('"1,5"');
  });
});
