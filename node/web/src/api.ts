// The node's API, as far as the page asks for things one by one.

import type { Backtest, Change, Candle, Fill, Order, Plan, Position, Profit, Session, Settings, Trade } from "./types";

/** An answer that is not a success, with what the node says of it. Status 0: no answer at all. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** An answer, with the nodes whose part in it is missing. */
export interface Answer<T> {
  data: T;
  missing: string[];
}

const base = "/api/v1";

async function call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const request: RequestInit = { method, credentials: "same-origin" };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(base + path, request);
  } catch {
    throw new Refusal(0, "the node does not answer");
  }
  const text = await response.text();
  if (!response.ok) throw new Refusal(response.status, reason(response, text));
  const missing = response.headers.get("Hedgehog-Missing")?.split(",").filter(Boolean) ?? [];
  try {
    return { data: (text === "" ? undefined : JSON.parse(text)) as T, missing };
  } catch {
    throw new Refusal(response.status, "the node's answer makes no sense");
  }
}

function reason(response: Response, text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string" && error !== "") return error;
  } catch {
    // Something else than the node has answered.
  }
  return `the node answers with ${response.status} ${response.statusText}`.trim();
}

const query = (values: Record<string, string | number | boolean>) =>
  "?" + new URLSearchParams(Object.entries(values).map(([k, v]) => [k, String(v)]));

const data = <T>(a: Answer<T>) => a.data;

export const session = () => call<Session>("GET", "/session").then(data);
export const login = (token: string) => call<Session>("POST", "/session", { token }).then(data);
export const logout = () => call<Session | undefined>("DELETE", "/session").then(data);

export const settings = () => call<Settings[]>("GET", "/symbols").then(data);
export const setting = (symbol: string) => call<Settings>("GET", `/symbols/${encodeURIComponent(symbol)}`).then(data);
export const change = (symbol: string, what: Change) =>
  call<Settings>("PATCH", `/symbols/${encodeURIComponent(symbol)}`, what).then(data);

export const orders = (symbol: string, limit: number) => call<Order[]>("GET", "/orders" + query({ symbol, limit }));
export const fills = (symbol: string, limit: number) => call<Fill[]>("GET", "/fills" + query({ symbol, limit }));
export const positions = (symbol: string, all: boolean) => call<Position[]>("GET", "/positions" + query({ symbol, all }));
export const trades = (symbol: string, limit: number) => call<Trade[]>("GET", "/trades" + query({ symbol, limit }));
export const candles = (symbol: string, minutes: number, limit: number) =>
  call<Candle[]>("GET", "/candles" + query({ symbol, minutes, limit }));

export const profits = () => call<Profit[]>("GET", "/profit").then(data);
export const profit = (symbol: string) =>
  call<Profit[]>("GET", "/profit" + query({ symbol })).then((a) => a.data[0] ?? null);

export interface AssignRequest {
  symbols: string[];
  node?: string;
  unassign?: boolean;
}

export const assign = (r: AssignRequest, dryRun: boolean) =>
  call<Plan>("POST", "/cluster/assign", { ...r, dry_run: dryRun }).then(data);
export const pin = (symbol: string, node: string, dryRun: boolean) =>
  call<Plan>("POST", "/cluster/pin", { symbols: [symbol], node, dry_run: dryRun }).then(data);
export const changeNode = (what: "drain" | "undrain" | "remove" | "transfer-leader", node: string, dryRun: boolean) =>
  call<Plan>("POST", `/cluster/${what}`, { node, dry_run: dryRun }).then(data);
export const rebalance = (dryRun: boolean) =>
  call<Plan>("POST", "/cluster/rebalance" + query({ dry_run: dryRun })).then(data);

export interface BacktestRequest {
  symbol: string;
  from_us: number;
  to_us: number;
  settings: Record<string, string | number>;
  allow_holes: boolean;
}

export const backtests = () => call<Backtest[]>("GET", "/backtests").then(data);
export const backtest = (id: string) => call<Backtest>("GET", `/backtests/${encodeURIComponent(id)}`).then(data);
export const startBacktest = (r: BacktestRequest) => call<Backtest>("POST", "/backtests", r).then(data);
export const removeBacktest = (id: string) => call<unknown>("DELETE", `/backtests/${encodeURIComponent(id)}`);
export const reportPath = (id: string) => `${base}/backtests/${encodeURIComponent(id)}/report`;
