// Where on the page one is, as the part of the address behind #.

export type Route =
  | { view: "cluster" }
  | { view: "symbols" }
  | { view: "symbol"; symbol: string }
  | { view: "events" }
  | { view: "backtests" }
  | { view: "backtest"; id: string }
  | { view: "nowhere"; hash: string };

export function parseRoute(hash: string): Route {
  const [first = "", second, ...more] = hash.replace(/^#?\/?/, "").split("/").map(decode);
  if (more.length > 0) return { view: "nowhere", hash };
  if (second) {
    if (first === "symbols") return { view: "symbol", symbol: second };
    if (first === "backtests") return { view: "backtest", id: second };
    return { view: "nowhere", hash };
  }
  switch (first) {
    case "":
      return { view: "cluster" };
    case "symbols":
    case "events":
    case "backtests":
      return { view: first };
    default:
      return { view: "nowhere", hash };
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function symbolPath(symbol: string): string {
  return `#/symbols/${encodeURIComponent(symbol)}`;
}

export function backtestPath(id: string): string {
  return `#/backtests/${encodeURIComponent(id)}`;
}

/** The name of a view, for the window's title. */
export function titleOf(r: Route): string {
  switch (r.view) {
    case "symbol":
      return r.symbol;
    case "backtest":
      return "Backtest";
    case "nowhere":
      return "No such page";
    default:
      return r.view[0]!.toUpperCase() + r.view.slice(1);
  }
}
