// One symbol: its price, candles, positions, orders and trades, and what may be done with it.

import { useEffect, useMemo, useState } from "preact/hooks";
import { Chart } from "./chart";
import { move, TradingBadge } from "./clusterview";
import { sign } from "./decimal";
import { Feed, fillKey } from "./feed";
import { clock, count, lengthName, percentOf, price, quantity, stamp } from "./format";
import { inOrder, paper, stage } from "./orders";
import { lengths } from "./series";
import { changeSettings, startTrading, stopTrading } from "./settings";
import { live, now, status, symbols } from "./store";
import { Badge, Button, Choice, Figure, Gain, Money, Section, Side, Table } from "./ui";
import type { Fill, Order, Position, Trade } from "./types";

export function SymbolView({ symbol }: { symbol: string }) {
  const feed = useMemo(() => new Feed(symbol, live), [symbol]);
  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);
  const [minutes, setMinutes] = useState<(typeof lengths)[number]>(1);
  const quote = feed.profit.value?.quote_asset ?? "";
  const settings = status.value?.symbols?.find((s) => s.symbol === symbol);
  return (
    <>
      <Head feed={feed} />
      {feed.error.value !== "" && (
        <p class="error" role="alert">
          {feed.error.value}
        </p>
      )}
      {settings?.trading_error && <p class="error">The latest order could not be placed: {settings.trading_error}</p>}
      {settings?.parts.filter((p) => p.last_error).map((p) => (
        <p class="error" key={p.name}>
          {p.name} started again {count(p.restarts, "time")}: {p.last_error}
        </p>
      ))}
      <Figures feed={feed} />
      <div class="two chart-row">
        <Section
          title="Price"
          extra={<Choice legend="Length of the candles" options={lengths} name={lengthName} chosen={minutes} choose={setMinutes} />}
        >
          <Chart feed={feed} minutes={minutes} />
        </Section>
        <Trades feed={feed} />
      </div>
      <Positions feed={feed} quote={quote} />
      <Orders feed={feed} quote={quote} />
      <Fills feed={feed} />
    </>
  );
}

function Head({ feed }: { feed: Feed }) {
  const { symbol } = feed;
  const settings = status.value?.symbols?.find((s) => s.symbol === symbol);
  const owner = symbols.value?.find((s) => s.symbol === symbol);
  const p = feed.price.value;
  const trading = settings?.trading.status ?? "off";
  return (
    <div class="head">
      <div>
        <h1>{symbol}</h1>
        <p class="facts-line">
          <TradingBadge settings={settings} />
          {settings?.streaming && (settings.stream_connected ? <Badge tone="good">stream connected</Badge> : <Badge tone="warn">stream not connected</Badge>)}
          {owner ? (
            <span>
              on <b>{owner.node || "nobody"}</b>
              {owner.next && ` → ${owner.next}`}, epoch {owner.epoch}
              {owner.pin && `, pinned to ${owner.pin}`}
            </span>
          ) : (
            <span>not assigned</span>
          )}
          {(settings?.trades_missing ?? 0) > 0 && <Badge tone="bad">{count(settings!.trades_missing, "trade")} missing</Badge>}
        </p>
      </div>
      <p class={`price ${p ? (p.up ? "buy" : "sell") : ""}`} data-price={p?.amount ?? ""}>
        {p ? (
          <>
            <span aria-hidden="true">{p.up ? "▲" : "▼"}</span> {price(p.amount, feed.decimals.value)}
            <span class="unseen">{p.up ? "rising" : "falling"}</span>
          </>
        ) : (
          <span class="unit">no trade yet</span>
        )}
      </p>
      <div class="buttons">
        {trading === "off" && (
          <Button kind="primary" need="trade" onClick={() => startTrading(symbol)}>
            Start trading
          </Button>
        )}
        {trading === "on" && (
          <Button need="trade" onClick={() => stopTrading(symbol, "shutdown")}>
            Shut down
          </Button>
        )}
        {trading !== "off" && (
          <Button kind="danger" need="trade" onClick={() => stopTrading(symbol, "off")}>
            Stop
          </Button>
        )}
        <Button need="trade" onClick={() => changeSettings(symbol)}>
          Settings
        </Button>
        {owner && (
          <Button need="admin" onClick={() => move(owner)}>
            Move
          </Button>
        )}
      </div>
    </div>
  );
}

function Figures({ feed }: { feed: Feed }) {
  const p = feed.profit.value;
  if (!p) return null;
  const { quote_asset: quote } = p;
  return (
    <dl class="figures">
      <Figure name="Profit, 24 hours">
        <Gain amount={p.profit_day} asset={quote} unit />
      </Figure>
      <Figure name="7 days">
        <Gain amount={p.profit_week} asset={quote} unit />
      </Figure>
      <Figure name="All time">
        <Gain amount={p.profit} asset={quote} unit />
      </Figure>
      <Figure name="Cycles">{p.cycles}</Figure>
      <Figure name="Open positions">{p.open_positions}</Figure>
      <Figure name="Invested">
        <Money amount={p.invested} asset={quote} unit />
      </Figure>
      <Figure name="On paper">
        {p.unrealized === null ? (
          <span class="unit">not known</span>
        ) : (
          <>
            <Gain amount={p.unrealized} asset={quote} unit />
            {sign(p.invested) > 0 && <span class="unit"> {percentOf(p.unrealized, p.invested)}</span>}
          </>
        )}
      </Figure>
    </dl>
  );
}

const shownTrades = 18;

function Trades({ feed }: { feed: Feed }) {
  return (
    <Section title="Trades of the market">
      <Table<Trade>
        caption="The latest trades of the market"
        flat
        rows={feed.trades.value.slice(0, shownTrades)}
        id={(t) => t.trade_id}
        empty="No trade has come yet."
        columns={[
          { head: "Time", cell: (t) => clock(t.trade_time) },
          {
            head: "Price",
            end: true,
            main: true,
            cell: (t) => (
              <span class={t.buyer_is_maker ? "sell" : "buy"} title={t.buyer_is_maker ? "somebody sold" : "somebody bought"}>
                {t.buyer_is_maker ? "▼" : "▲"} {price(t.price, feed.decimals.value)}
              </span>
            ),
          },
          { head: "Quantity", end: true, cell: (t) => quantity(t.quantity) },
        ]}
      />
    </Section>
  );
}

const whose = ["open", "all"] as const;

function Positions({ feed, quote }: { feed: Feed; quote: string }) {
  const [which, setWhich] = useState<(typeof whose)[number]>("open");
  const [many, setMany] = useState(12);
  const all = inOrder(feed.positions.value.values());
  const rows = which === "open" ? all.filter((p) => p.state === "open") : all;
  const last = feed.price.value?.amount;
  const decimals = feed.decimals.value;
  return (
    <Section
      title="Positions"
      extra={<Choice legend="Which positions" options={whose} name={(w) => w} chosen={which} choose={setWhich} />}
    >
      <Table<Position>
        caption="Positions"
        rows={rows.slice(0, many)}
        id={(p) => p.position_id}
        empty={which === "open" ? "No position is open." : "There was no position yet."}
        columns={[
          { head: "Position", main: true, cell: (p) => <span title={p.position_id}>{p.state === "open" ? `Slot ${p.slot + 1}` : stamp(p.end_time ?? p.start_time, now.value)}</span> },
          { head: "State", cell: (p) => <Badge tone={p.state === "dropped" ? "warn" : p.sell && p.state === "open" ? "busy" : "plain"}>{stage(p)}</Badge> },
          { head: "Buy at", end: true, cell: (p) => <OrderPrice order={p.buy} decimals={decimals} /> },
          { head: "Sell at", end: true, cell: (p) => <OrderPrice order={p.sell} decimals={decimals} /> },
          { head: "Quantity", end: true, wide: true, cell: (p) => (p.buy ? quantity(p.buy.original_quantity) : "–") },
          { head: "Since", wide: true, cell: (p) => stamp(p.start_time, now.value) },
          { head: "Gain", end: true, cell: (p) => <PositionGain position={p} last={last} quote={quote} /> },
        ]}
      />
      <More many={many} of={rows.length} more={() => setMany(many + 100)} />
    </Section>
  );
}

function More({ many, of, more }: { many: number; of: number; more: () => void }) {
  if (of <= many) return null;
  return (
    <div class="buttons start">
      <Button small onClick={more}>
        Show more, of {of}
      </Button>
    </div>
  );
}

function OrderPrice({ order, decimals }: { order: Order | undefined; decimals: number }) {
  return order ? <span title={order.status}>{price(order.price, decimals)}</span> : <>–</>;
}

function PositionGain({ position, last, quote }: { position: Position; last: string | undefined; quote: string }) {
  if (position.state !== "open") return <Gain amount={position.profit} asset={quote} unit />;
  const onPaper = last ? paper(position, last) : null;
  if (onPaper === null) return <>–</>;
  return (
    <>
      <Gain amount={onPaper} asset={quote} unit /> <span class="unit">on paper</span>
    </>
  );
}

function Orders({ feed, quote }: { feed: Feed; quote: string }) {
  const [many, setMany] = useState(12);
  const rows = [...feed.orders.value.values()].sort((a, b) => b.time - a.time || b.order_id - a.order_id);
  const decimals = feed.decimals.value;
  return (
    <Section title="Orders" extra={feed.missing.value.length > 0 && <Badge tone="warn">without those stored on {feed.missing.value.join(", ")}</Badge>}>
      <Table<Order>
        caption="Our orders, the latest first"
        rows={rows.slice(0, many)}
        id={(o) => o.order_id}
        empty="No order has been sent yet."
        columns={[
          { head: "Time", cell: (o) => <time>{stamp(o.time, now.value)}</time> },
          { head: "Side", main: true, cell: (o) => <Side side={o.side} /> },
          { head: "State", cell: (o) => <Badge tone={o.status === "FILLED" ? "good" : o.status === "NEW" || o.status === "PARTIALLY_FILLED" ? "busy" : "warn"}>{o.status.toLowerCase().replace(/_/g, " ")}</Badge> },
          { head: "Price", end: true, cell: (o) => price(o.price, decimals) },
          { head: "Quantity", end: true, cell: (o) => quantity(o.original_quantity) },
          { head: "Filled", end: true, cell: (o) => quantity(o.executed_quantity) },
          { head: "For", end: true, wide: true, cell: (o) => <Money amount={o.quote_quantity} asset={quote} unit /> },
          { head: "Number", end: true, wide: true, cell: (o) => <span title={o.client_order_id}>{o.order_id}</span> },
        ]}
      />
      <More many={many} of={rows.length} more={() => setMany(many + 100)} />
    </Section>
  );
}

function Fills({ feed }: { feed: Feed }) {
  const rows = feed.fills.value;
  if (rows.length === 0) return null;
  const decimals = feed.decimals.value;
  return (
    <Section title="Our fills">
      <Table<Fill>
        caption="Fills of our orders, the latest first"
        rows={rows.slice(0, 20)}
        id={fillKey}
        empty=""
        columns={[
          { head: "Time", cell: (f) => clock(f.time) },
          { head: "Side", main: true, cell: (f) => <Side side={f.side} /> },
          { head: "Price", end: true, cell: (f) => price(f.price, decimals) },
          { head: "Quantity", end: true, cell: (f) => quantity(f.quantity) },
          { head: "Commission", end: true, cell: (f) => `${quantity(f.commission)} ${f.commission_asset}` },
          { head: "Order", end: true, wide: true, cell: (f) => f.order_id },
        ]}
      />
    </Section>
  );
}
