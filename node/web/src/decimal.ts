// Arithmetic on decimal strings. Amounts of money never become floating-point numbers on
// their way to the screen.

/** A decimal: units divided by 10 to the power of scale. */
interface Decimal {
  units: bigint;
  scale: number;
}

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

function parse(text: string): Decimal {
  const match = pattern.exec(text.trim());
  const whole = match?.[2] ?? "";
  const fraction = match?.[3] ?? "";
  if (!match || whole + fraction === "") throw new RangeError(`not a decimal: "${text}"`);
  let units = BigInt(whole + fraction);
  if (match[1] === "-") units = -units;
  const scale = fraction.length - Number(match[4] ?? 0);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

function print({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const sign = units < 0n ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

/** Whether text is a decimal. */
export function isDecimal(text: string): boolean {
  const match = pattern.exec(text.trim());
  return match !== null && (match[2] ?? "") + (match[3] ?? "") !== "";
}

export function add(a: string, b: string): string {
  const [x, y, scale] = align(parse(a), parse(b));
  return print({ units: x + y, scale });
}

export function subtract(a: string, b: string): string {
  const [x, y, scale] = align(parse(a), parse(b));
  return print({ units: x - y, scale });
}

export function multiply(a: string, b: string): string {
  const [x, y] = [parse(a), parse(b)];
  return print({ units: x.units * y.units, scale: x.scale + y.scale });
}

export function sum(all: Iterable<string>): string {
  let total = "0";
  for (const amount of all) total = add(total, amount);
  return total;
}

/** Negative, zero or positive, as a is less than, equal to or greater than b. */
export function compare(a: string, b: string): number {
  const [x, y] = align(parse(a), parse(b));
  return x < y ? -1 : x > y ? 1 : 0;
}

export function sign(a: string): number {
  const { units } = parse(a);
  return units < 0n ? -1 : units > 0n ? 1 : 0;
}

/** a divided by b, cut to so many decimal places and rounded half away from zero; "0" when b is zero. */
export function divide(a: string, b: string, places: number): string {
  const [x, y] = align(parse(a), parse(b));
  if (y === 0n) return "0";
  return round(print({ units: (x * 10n ** BigInt(places + 1)) / y, scale: places + 1 }), places);
}

/** a with exactly so many decimal places, rounded half away from zero. */
export function round(a: string, places: number): string {
  const { units, scale } = parse(a);
  if (scale <= places) return print({ units: units * 10n ** BigInt(places - scale), scale: places });
  const cut = 10n ** BigInt(scale - places);
  const magnitude = units < 0n ? -units : units;
  const rounded = (magnitude + cut / 2n) / cut;
  return print({ units: units < 0n ? -rounded : rounded, scale: places });
}

/** a without zeros at the end of its decimal places. */
export function trim(a: string): string {
  const text = print(parse(a));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** How many decimal places a has, zeros at the end not counted. */
export function places(a: string): number {
  const text = trim(a);
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/** a with its thousands grouped by narrow spaces, as in 12 345.67. */
export function group(a: string): string {
  const [, minus = "", whole = "", rest = ""] = /^(-?)(\d+)(.*)$/.exec(a) ?? [];
  return minus.replace("-", "−") + whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + rest;
}
