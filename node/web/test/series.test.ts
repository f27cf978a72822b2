import { describe, expect, test } from "vitest";
import { addTrade, bars, finish, levels, marks, startOf, type Bar } from "../src/series";
import type { Candle, Order, Trade } from "../src/types";

const second = 1_000_000;
const minute = 60 * second;

function candle(minutes: number, start: number, open: string, high: string, low: string, close: string): Candle {
  return { symbol: "X", minutes, start_time: start, open, high, low, close, volume: "1", trades: 1 };
}

function trade(time: number, price: string): Trade {
  return { symbol: "X", trade_id: time, price, quantity: "1", trade_time: time, event_time: time, buyer_is_maker: false, source: "live" };
}

describe("bars", () => {
  test("of a minute are the stored ones and what the trades since have made", () => {
    const made = bars([candle(1, 0, "1", "2", "1", "2")], [], [trade(59 * second, "9"), trade(61 * second, "3"), trade(70 * second, "2.5")], 1);
    expect(made).toEqual([
      { time: 0, open: 1, high: 2, low: 1, close: 2 }, // the trade in it is in the candle already
      { time: 60, open: 3, high: 3, low: 2.5, close: 2.5 },
    ]);
  });

  test("of five minutes grow from the candles of a minute and then from trades", () => {
    const made = bars(
      [candle(5, 0, "1", "1", "1", "1")],
      [candle(1, 4 * minute, "7", "7", "7", "7"), candle(1, 5 * minute, "2", "4", "1", "3"), candle(1, 6 * minute, "3", "5", "3", "4")],
      [trade(6 * minute + second, "99"), trade(7 * minute + second, "0.5")],
      5,
    );
    expect(made).toEqual([
      { time: 0, open: 1, high: 1, low: 1, close: 1 },
      { time: 300, open: 2, high: 5, low: 0.5, close: 0.5 },
    ]);
  });

  test("begin with trades where nothing is stored", () => {
    expect(bars([], [], [trade(125 * second, "3")], 1)).toEqual([{ time: 120, open: 3, high: 3, low: 3, close: 3 }]);
  });
});

test("a late trade is added to the newest bar", () => {
  const all: Bar[] = [{ time: 60, open: 2, high: 2, low: 2, close: 2 }];
  addTrade(all, trade(30 * second, "1"), 1);
  expect(all).toEqual([{ time: 60, open: 2, high: 2, low: 1, close: 1 }]);
});

test("a finished candle takes the place of what trades have made of it", () => {
  const all: Bar[] = [0, 60, 120].map((time) => ({ time, open: 1, high: 1, low: 1, close: 1 }));
  expect(finish(all, candle(1, minute, "5", "6", "4", "5"))).toBe(true);
  expect(all[1]).toEqual({ time: 60, open: 5, high: 6, low: 4, close: 5 });
  expect(finish(all, candle(1, 4 * minute, "5", "6", "4", "5"))).toBe(true);
  expect(all.map((b) => b.time)).toEqual([0, 60, 120, 240]);
  expect(finish(all.slice(1), candle(1, 0, "5", "6", "4", "5"))).toBe(false);
});

test("starts are whole lengths since the epoch", () => {
  expect(startOf(1_570_752_061 * second, 1)).toBe(1_570_752_060);
  expect(startOf(1_570_752_061 * second, 1440) % 86_400).toBe(0);
});

const order = (side: "BUY" | "SELL", executed: string, time: number, more: Partial<Order> = {}): Order => ({
  symbol: "X", order_id: time, client_order_id: "c", side, status: "FILLED", price: "1",
  original_quantity: "1", executed_quantity: executed, quote_quantity: executed, time, update_time: time, ...more,
});

test("orders that rest at one price are one level", () => {
  const resting = (price: string, side: "BUY" | "SELL" = "BUY") => order(side, "0", 1, { status: "NEW", price });
  expect(levels([resting("0.43"), resting("0.5", "SELL"), resting("0.430"), order("BUY", "1", 1), resting("0.42")])).toEqual([
    { price: 0.5, side: "SELL", count: 1 },
    { price: 0.43, side: "BUY", count: 2 },
    { price: 0.42, side: "BUY", count: 1 },
  ]);
});

test("fills are marked by candle and side; orders without one are not", () => {
  const found = marks([order("SELL", "1", 61 * second), order("BUY", "1", second), order("BUY", "0.5", 2 * second), order("BUY", "0", second)], 1);
  expect(found).toEqual([
    { time: 0, side: "BUY", count: 2 },
    { time: 60, side: "SELL", count: 1 },
  ]);
});
