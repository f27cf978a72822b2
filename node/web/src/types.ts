// The shapes of the API, as package node/api has them. Amounts are decimal strings, times
// whole microseconds since the Unix epoch.

export type Role = "none" | "read" | "trade" | "admin";

export interface Session {
  access: "open" | "token" | "session" | "none";
  role: Role;
  name: string;
  expires_us?: number;
  /** Whether there are tokens, so that one is needed. */
  tokens: boolean;
  node: string;
  version: string;
}

export interface ClusterNode {
  name: string;
  state: string;
  role: string;
  version: string;
  zone?: string;
  weight: number;
  draining: boolean;
  address: string;
  peer: string;
  http: string;
  since_us: number;
  uptime_seconds: number;
  active_symbols: number;
}

export interface ClusterStatus {
  node: string;
  leader: string;
  term: number;
  quorum: boolean;
  nodes: ClusterNode[] | null;
}

export interface ClusterSymbol {
  symbol: string;
  node: string;
  epoch: number;
  since_us: number;
  next?: string;
  pin?: string;
  weight: number;
  active: boolean;
}

export interface ClusterEvent {
  time_us: number;
  kind: string;
  node?: string;
  symbol?: string;
  text: string;
}

export interface Move {
  symbol: string;
  from: string;
  to: string;
}

export interface Plan {
  symbols?: string[];
  moves: Move[];
}

export interface Trading {
  status: "off" | "on" | "shutdown";
  chunks: number;
  budget: string;
  buy_down_interval: string;
  profit_target: string;
  rebuy_interval: string;
}

export interface Settings {
  symbol: string;
  streaming: boolean;
  aggregating: boolean;
  collecting: { trade_events: boolean; orders: boolean; ohlc: boolean };
  trading: Trading;
}

/** What to change of a symbol's settings; what is left out stays as it is. */
export interface Change {
  streaming?: boolean;
  aggregating?: boolean;
  collect_trade_events?: boolean;
  collect_orders?: boolean;
  collect_ohlc?: boolean;
  trading_status?: string;
  chunks?: number;
  budget?: string;
  buy_down_interval?: string;
  profit_target?: string;
  rebuy_interval?: string;
}

export interface PartStatus {
  name: string;
  since_us: number;
  restarts: number;
  last_error?: string;
}

export interface SymbolStatus extends Settings {
  node: string;
  /** How long the owner's lease lasts yet, in milliseconds; without one the owner does not act. */
  lease_ms?: number;
  parts: PartStatus[];
  stream_connected: boolean;
  last_trade_id?: number;
  trades_published: number;
  trades_backfilled: number;
  trades_missing: number;
  open_positions: number;
  trading_error?: string;
}

export interface Status {
  node: string;
  version: string;
  uptime_seconds: number;
  exchange: { name: string; url: string; ready: boolean; error?: string; symbols: number };
  active_symbols: number;
  symbols: SymbolStatus[] | null;
}

export interface Trade {
  symbol: string;
  trade_id: number;
  price: string;
  quantity: string;
  trade_time: number;
  event_time: number;
  buyer_is_maker: boolean;
  source: string;
}

export interface Candle {
  symbol: string;
  minutes: number;
  start_time: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  trades: number;
}

export interface Order {
  symbol: string;
  order_id: number;
  client_order_id: string;
  side: "BUY" | "SELL";
  status: string;
  price: string;
  original_quantity: string;
  executed_quantity: string;
  quote_quantity: string;
  time: number;
  update_time: number;
  fills?: Fill[];
}

export interface Fill {
  symbol: string;
  order_id: number;
  trade_id: number;
  side: "BUY" | "SELL";
  price: string;
  quantity: string;
  commission: string;
  commission_asset: string;
  maker: boolean;
  time: number;
}

export interface Position {
  symbol: string;
  position_id: string;
  parent_id?: string;
  slot: number;
  state: "open" | "finished" | "dropped";
  rebuy_triggered: boolean;
  start_time: number;
  end_time?: number;
  profit: string;
  buy?: Order;
  sell?: Order;
}

export interface Profit {
  symbol: string;
  base_asset: string;
  quote_asset: string;
  cycles: number;
  profit: string;
  profit_day: string;
  profit_week: string;
  open_positions: number;
  held: string;
  invested: string;
  /** null where it is not known. */
  last_price: string | null;
  unrealized: string | null;
}

export interface Backtest {
  id: string;
  symbol: string;
  from_us: number;
  to_us: number;
  created_us: number;
  state: "waiting" | "running" | "done" | "failed";
  progress: number;
  error?: string;
  settings: { chunks: number; budget: string; buy_down_interval: string; profit_target: string; rebuy_interval: string };
  summary?: BacktestSummary;
}

export interface BacktestSummary {
  trades: number;
  missing_trades: number;
  orders: number;
  cycles: number;
  won: number;
  profit: string;
  profit_percent: string;
  realized: string;
  fees: string;
  max_drawdown: string;
  max_drawdown_percent: string;
  buy_and_hold_percent: string;
}

/** A frame that the server sends over GET /api/v1/live. */
export type Frame =
  | { kind: "cluster"; data: ClusterStatus }
  | { kind: "symbols"; data: ClusterSymbol[] | null }
  | { kind: "status"; data: Status; missing?: string[] | null }
  | { kind: "events"; data: ClusterEvent[] | null }
  | { kind: "message"; topic: string; data: unknown }
  | { kind: "watching"; data: string[] | null }
  | { kind: "dropped"; topic: string; count: number }
  | { kind: "beat"; time_us: number }
  | { kind: "error"; error: string };
