import { describe, expect, test } from "vitest";
import { add, compare, divide, group, isDecimal, multiply, places, round, sign, subtract, sum, trim } from "../src/decimal";

describe("amounts", () => {
  test("are added exactly where floating point would not be", () => {
    expect(add("0.1", "0.2")).toBe("0.3");
    expect(sum(Array<string>(1000).fill("0.00000001"))).toBe("0.00001000");
    expect(add("9007199254740993", "0.000000000000000001")).toBe("9007199254740993.000000000000000001");
  });

  test("keep their sign through zero", () => {
    expect(subtract("0.5", "0.75")).toBe("-0.25");
    expect(add("-0.05", "0.01")).toBe("-0.04");
    expect(sign("-0.00")).toBe(0);
    expect(sign("-0.01")).toBe(-1);
  });

  test("are multiplied, and divided to so many places", () => {
    expect(multiply("0.43183010", "231.5")).toBe("99.968668150");
    expect(divide("1", "3", 4)).toBe("0.3333");
    expect(divide("2", "3", 4)).toBe("0.6667");
    expect(divide("-2", "3", 2)).toBe("-0.67");
    expect(divide("1", "0.00", 2)).toBe("0");
  });

  test.each([
    ["1.005", 2, "1.01"],
    ["-1.005", 2, "-1.01"],
    ["1.004", 2, "1.00"],
    ["0.9999", 2, "1.00"],
    ["5", 2, "5.00"],
    ["1234.5", 0, "1235"],
  ])("%s rounded to %i places is %s", (amount, to, want) => expect(round(amount, to)).toBe(want));

  test("compare as numbers, not as text", () => {
    expect(compare("10", "9.99")).toBe(1);
    expect(compare("1.10", "1.1")).toBe(0);
    expect(compare("-2", "-1")).toBe(-1);
  });

  test("are written without needless zeros, in groups of three", () => {
    expect(trim("1.500")).toBe("1.5");
    expect(trim("100")).toBe("100");
    expect(trim("0.00")).toBe("0");
    expect(places("0.43100")).toBe(3);
    expect(group("-1234567.1234")).toBe("−1\u202f234\u202f567.1234");
    expect(group("999")).toBe("999");
  });

  test("may come with an exponent", () => {
    expect(trim("1E-8")).toBe("0.00000001");
    expect(trim("2.5e3")).toBe("2500");
  });

  test("that are none are refused", () => {
    for (const text of ["", ".", "1,5", "1.2.3", "abc", "0x10", "--1", "1e99999"]) {
      expect(isDecimal(text), text).toBe(false);
      expect(() => trim(text), text).toThrow(RangeError);
    }
    for (const text of ["0", ".5", "5.", "-1.5", "+2"]) expect(isDecimal(text), text).toBe(true);
  });
});
