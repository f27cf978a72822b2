// A node that is played: it says what a test has it say. The page itself is the real one.

const hour = 3_600_000_000;
const us = () => Date.now() * 1000;

const node = (name, more = {}) => ({
  name, state: "alive", role: "voter", version: "1.2.3", zone: "a", weight: 1, draining: false, address: "10.0.0.1:7946",
  peer: "10.0.0.1:7947", http: "127.0.0.1:1", since_us: us() - hour, uptime_seconds: 3725, active_symbols: 1, ...more,
});

const owned = (symbol, name, more = {}) => ({ symbol, node: name, epoch: 3, since_us: us() - hour, weight: 1, active: true, ...more });

const settings = (symbol, status) => ({
  symbol, streaming: true, aggregating: true, collecting: { trade_events: true, orders: true, ohlc: true },
  trading: { status, chunks: 5, budget: "1000", buy_down_interval: "0.0025", profit_target: "0.001", rebuy_interval: "0.001" },
});

const symbolStatus = (symbol, name, status = "on") => ({
  ...settings(symbol, status), node: name, lease_ms: 1150, parts: [], stream_connected: true, last_trade_id: 9, trades_published: 9,
  trades_backfilled: 0, trades_missing: 0, open_positions: 2,
});

const order = (id, side, status, price, executed, minutes) => ({
  symbol: "XRPUSDT", order_id: id, client_order_id: `hh-${id}`, side, status, price, original_quantity: "232.1",
  executed_quantity: executed, quote_quantity: executed === "0" ? "0" : "100.01", time: us() - minutes * 60e6, update_time: us() - minutes * 60e6,
});

export function world() {
  const orders = [order(3, "BUY", "NEW", "0.4310", "0", 1), order(2, "SELL", "FILLED", "0.4319", "232.1", 4), order(1, "BUY", "FILLED", "0.4307", "232.1", 9)];
  const open = us() - (us() % 60e6);
  return {
    session: { access: "open", role: "admin", name: "", tokens: false, node: "n1", version: "1.2.3" },
    tokens: {},
    cluster: { node: "n1", leader: "n1", term: 4, quorum: true, nodes: [node("n1", { role: "leader" }), node("n2"), node("n3", { zone: "b" })] },
    symbols: [owned("BTCUSDT", "n1"), owned("XRPUSDT", "n2", { pin: "n2" }), owned("ETHUSDT", "n3", { next: "n1" }), owned("LTCUSDT", "")],
    status: {
      node: "n1", version: "1.2.3", uptime_seconds: 3725, active_symbols: 4,
      exchange: { name: "sim", url: "http://127.0.0.1:9090", ready: true, symbols: 4 },
      symbols: [symbolStatus("BTCUSDT", "n1"), symbolStatus("ETHUSDT", "n3", "shutdown"), symbolStatus("LTCUSDT", "", "off"), symbolStatus("XRPUSDT", "n2")],
    },
    missing: [],
    events: [
      { time_us: us() - 60e6, kind: "owner", node: "n2", symbol: "XRPUSDT", text: "owned since epoch 3, before by n3" },
      { time_us: us() - 120e6, kind: "member", node: "n3", text: "is alive" },
      { time_us: us() - 130e6, kind: "leader", node: "n1", text: "leads term 4" },
    ],
    profits: [
      { symbol: "BTCUSDT", base_asset: "BTC", quote_asset: "USDT", cycles: 1, profit: "0.1", profit_day: "0.1", profit_week: "0.1", open_positions: 2, held: "0", invested: "0", last_price: null, unrealized: null },
      { symbol: "XRPUSDT", base_asset: "XRP", quote_asset: "USDT", cycles: 12, profit: "12345.6789", profit_day: "0.2", profit_week: "-3.5", open_positions: 2, held: "232.1", invested: "100.01", last_price: "0.4321", unrealized: "-0.25" },
    ],
    orders,
    positions: [
      { symbol: "XRPUSDT", position_id: "p3", slot: 0, state: "open", rebuy_triggered: false, start_time: us() - 60e6, profit: "0", buy: orders[0] },
      { symbol: "XRPUSDT", position_id: "p1", slot: 0, state: "finished", rebuy_triggered: false, start_time: us() - 540e6, end_time: us() - 240e6, profit: "0.1781", buy: orders[2], sell: orders[1] },
    ],
    fills: [{ symbol: "XRPUSDT", order_id: 2, trade_id: 2, side: "SELL", price: "0.4315", quantity: "50", commission: "0.021575", commission_asset: "USDT", maker: true, time: us() - 240e6 }],
    trades: [1, 2, 3].map((i) => ({ symbol: "XRPUSDT", trade_id: i, price: `0.432${i}`, quantity: "100.5", trade_time: us() - (4 - i) * 1e6, event_time: us(), buyer_is_maker: i % 2 === 0, source: "live" })),
    candles: Array.from({ length: 60 }, (_, i) => ({ symbol: "XRPUSDT", minutes: 1, start_time: open - (60 - i) * 60e6, open: "0.4310", high: "0.4330", low: "0.4300", close: i % 3 ? "0.4320" : "0.4305", volume: "10", trades: 3 })),
    settings: ["BTCUSDT", "ETHUSDT", "LTCUSDT", "XRPETH", "XRPUSDT"].map((s) => settings(s, "off")),
    backtests: [{ id: "b1", symbol: "XRPUSDT", from_us: us() - 24 * hour, to_us: us(), created_us: us() - hour, state: "done", progress: 1, settings: {}, summary: { trades: 86_400, missing_trades: 0, orders: 30, cycles: 12, won: 11, profit: "1.25", profit_percent: "0.125", realized: "1.5", fees: "0.9", max_drawdown: "3.1", max_drawdown_percent: "0.31", buy_and_hold_percent: "-2.2" } }],
    report: "<!doctype html><html lang=en><title>Report</title><h1>Report</h1><p>12 cycles</p>",
    /** How a request that changes something is answered: [status, body]. */
    changes: () => [200, {}],
    changed: [],
    live: true,
    sockets: [],
  };
}

/** Has a window's requests to the API answered by a world. */
export async function play(page, w) {
  await page.route("**/api/v1/**", (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname.replace("/api/v1", "");
    const answer = (json, status = 200, headers = {}) => route.fulfill({ status, json, headers });
    if (path === "/session") {
      if (request.method() === "DELETE") w.session = { ...w.session, access: "none", role: "none", name: "" };
      if (request.method() === "POST") {
        const found = w.tokens[request.postDataJSON().token];
        if (!found) return answer({ error: "no such token" }, 401);
        w.session = { ...w.session, access: "session", ...found };
      }
      return answer(w.session);
    }
    if (request.method() !== "GET") {
      w.changed.push([request.method(), path, request.postDataJSON()]);
      const [status, body] = w.changes(request.method(), path, request.postDataJSON());
      return answer(body, status);
    }
    if (path === "/backtests/b1/report") return route.fulfill({ body: w.report, contentType: "text/html" });
    if (path.startsWith("/symbols/")) return answer(w.settings.find((s) => path.endsWith(s.symbol)) ?? { error: "unknown" });
    const symbol = new URL(request.url()).searchParams.get("symbol");
    const answers = {
      "/symbols": w.settings, "/orders": w.orders, "/fills": w.fills, "/positions": w.positions, "/trades": w.trades, "/candles": w.candles,
      "/profit": symbol ? w.profits.filter((p) => p.symbol === symbol) : w.profits, "/backtests": w.backtests, "/backtests/b1": w.backtests[0],
    };
    return path in answers ? answer(answers[path]) : answer({ error: "no such address" }, 404);
  });
  await page.routeWebSocket("**/api/v1/live", (socket) => {
    if (!w.live) {
      socket.close({ code: 1011 });
      return;
    }
    w.sockets.push(socket);
    socket.onMessage((text) => {
      const { watch } = JSON.parse(text);
      socket.send(JSON.stringify({ kind: "watching", data: watch }));
    });
    tell(w, socket);
  });
}

/** Has the node tell how things are, as it does every now and then. */
export function tell(w, socket = w.sockets.at(-1)) {
  const frames = [
    { kind: "cluster", data: w.cluster },
    { kind: "symbols", data: w.symbols },
    { kind: "status", data: w.status, missing: w.missing },
    { kind: "events", data: w.events },
    { kind: "beat", time_us: us() },
  ];
  for (const f of frames) socket.send(JSON.stringify(f));
}

export function say(w, frame) {
  w.sockets.at(-1).send(JSON.stringify(frame));
}
