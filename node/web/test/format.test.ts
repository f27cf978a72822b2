import { expect, test } from "vitest";
import { count, day, gain, lengthName, money, percent, percentOf, price, span, stamp } from "../src/format";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

test("money of account has cents, and more where it is little", () => {
  expect(plain(money("12345.678", "USDT"))).toBe("12 345.68");
  expect(money("0.01234", "USDT")).toBe("0.0123");
  expect(money("0", "USDT")).toBe("0.00");
  expect(money("0.05", "USDT")).toBe("0.05");
  expect(money("0.04", "USDT")).toBe("0.0400");
});

test("money of an asset that is not known has four digits", () => {
  expect(plain(money("12345.678", ""))).toBe("12 345.68");
  expect(money("1.5", "")).toBe("1.50");
  expect(money("0.000123456", "")).toBe("0.0001235");
  expect(money("-0.05", "")).toBe("−0.05000");
  expect(money("0", "")).toBe("0.00");
});

test("other assets keep what exchanges count", () => {
  expect(money("0.000123456789", "BTC")).toBe("0.00012346");
  expect(money("1.50", "ETH")).toBe("1.5");
  expect(money("-306.58930401", "ETH")).toBe("−306.5893");
});

test("gains and losses have their signs", () => {
  expect(gain("1.5", "USDT")).toBe("+1.50");
  expect(gain("-1.5", "USDT")).toBe("−1.50");
  expect(gain("0", "USDT")).toBe("0.00");
});

test("prices have as many places as the others, or as they need", () => {
  expect(price("0.43", 4)).toBe("0.4300");
  expect(price("0.43183", 4)).toBe("0.43183");
});

test("shares become percentages", () => {
  expect(plain(percent("0.0025"))).toBe("0.25 %");
  expect(plain(percentOf("5", "200"))).toBe("+2.50 %");
  expect(plain(percentOf("-5", "200"))).toBe("−2.50 %");
  expect(plain(percentOf("5", "0"))).toBe("0 %");
});

test.each([
  [0, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [125, "2 min 5 s"],
  [3600, "1 h"],
  [7384, "2 h 3 min"],
  [90_000, "1 d 1 h"],
  [-3, "0 s"],
])("%f seconds are %s", (seconds, want) => expect(plain(span(seconds))).toBe(want));

test("times of another day have their date", () => {
  const noon = new Date(2026, 5, 15, 12, 30, 5);
  expect(stamp(noon.getTime() * 1000, noon.getTime())).toBe("12:30:05");
  expect(stamp(noon.getTime() * 1000, noon.getTime() + 86_400_000)).toBe("2026-06-15 12:30");
  expect(day(noon.getTime() * 1000)).toBe("2026-06-15");
});

test("lengths of candles and counts have their names", () => {
  expect([1, 5, 15, 60, 240, 1440].map(lengthName)).toEqual(["1m", "5m", "15m", "1h", "4h", "1d"]);
  expect(plain(count(1, "symbol"))).toBe("1 symbol");
  expect(plain(count(2, "symbol"))).toBe("2 symbols");
});
