// How things are written: amounts, shares, times and spans of time.

import { divide, group, multiply, places, round, sign, trim } from "./decimal";

// Money of account is written to the cent; other assets as exactly as exchanges count them.
const cents = new Set(["USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD", "EUR", "GBP", "TRY", "DAI"]);

/**
 * An amount of an asset, rounded to what matters; small ones keep more places. Where the asset
 * is not known, asset is empty and four digits matter.
 */
export function money(amount: string, asset: string): string {
  if (asset === "") {
    let places = 2;
    while (places < 8 && sign(amount) !== 0 && /^-?0\.0*\d{0,3}$/.test(round(amount, places))) places++;
    return group(round(amount, places));
  }
  if (!cents.has(asset)) return group(trim(round(amount, /^-?0*[1-9]/.test(amount) ? 4 : 8)));
  const small = sign(amount) !== 0 && sign(round(amount, 1)) === 0;
  return group(round(amount, small ? 4 : 2));
}

/** The same with a plus where it is a gain. */
export function gain(amount: string, asset: string): string {
  const text = money(amount, asset);
  return sign(amount) > 0 ? "+" + text : text;
}

/** A price with at least so many decimal places. */
export function price(amount: string, atLeast: number): string {
  return group(round(amount, Math.max(atLeast, places(amount))));
}

/** A quantity as it is. */
export function quantity(amount: string): string {
  return group(trim(amount));
}

/** A share as a percentage: 0.0025 is 0.25 %. */
export function percent(share: string): string {
  return group(trim(multiply(share, "100"))) + "\u00a0%";
}

/** part of whole as a percentage with so many places and a sign. */
export function percentOf(part: string, whole: string, digits = 2): string {
  const text = divide(multiply(part, "100"), whole, digits);
  return (sign(text) > 0 ? "+" : "") + group(text) + "\u00a0%";
}

const two = (n: number) => String(n).padStart(2, "0");

/** Time of day of a time in microseconds, in the zone of whoever looks. */
export function clock(us: number): string {
  const d = new Date(us / 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Date and time of day. */
export function moment(us: number): string {
  const d = new Date(us / 1000);
  return `${day(us)} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

export function day(us: number): string {
  const d = new Date(us / 1000);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** Time of day where it is today, else the date with it. */
export function stamp(us: number, now: number): string {
  return day(us) === day(now * 1000) ? clock(us) : moment(us);
}

/** A span in its two largest units: 3 d 4 h, 2 min 5 s, 12 s. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}\u00a0s`;
  if (s < 3600) return join(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86_400) return join(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return join(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}

function join(large: number, unit: string, small: number, smallUnit: string): string {
  const first = `${large}\u00a0${unit}`;
  return small === 0 ? first : `${first} ${small}\u00a0${smallUnit}`;
}

/** How many of something: 1 symbol, 2 symbols. */
export function count(n: number, one: string, many = one + "s"): string {
  return `${n}\u00a0${n === 1 ? one : many}`;
}

/** The name of a length of candles. */
export function lengthName(minutes: number): string {
  if (minutes >= 1440) return `${minutes / 1440}d`;
  return minutes >= 60 ? `${minutes / 60}h` : `${minutes}m`;
}
