// All that is known of one symbol, kept up to date as long as somebody looks.

import { signal } from "@preact/signals";
import * as api from "./api";
import { places } from "./decimal";
import type { Live } from "./live";
import { note } from "./orders";
import { addTrade, bars, finish, type Bar } from "./series";
import type { Candle, Fill, Order, Position, Profit, Trade } from "./types";

const keptTrades = 60;
const keptFills = 100;
const askedOrders = 500;

export const fillKey = (f: Fill): string => `${f.order_id} ${f.trade_id}`;

/** What the chart is told: all bars anew, or the latest of them. */
export type ChartNews = { all: Bar[] } | { latest: Bar };

/** Feed asks for what is stored of a symbol and adds the news to it. */
export class Feed {
  readonly trades = signal<Trade[]>([]); // the latest first
  readonly orders = signal<ReadonlyMap<number, Order>>(new Map());
  readonly positions = signal<ReadonlyMap<string, Position>>(new Map());
  readonly fills = signal<Fill[]>([]); // the latest first
  readonly profit = signal<Profit | null>(null);
  readonly missing = signal<string[]>([]);
  readonly error = signal("");
  /** The price of the latest trade, and whether it was a rise from the one before. */
  readonly price = signal<{ amount: string; up: boolean } | null>(null);
  readonly decimals = signal(0);

  private all: Bar[] = [];
  private minutes = 1;
  private chart: ((news: ChartNews) => void) | null = null;
  private readonly ends: (() => void)[] = [];
  private fresh: Trade[] = [];
  private frame = 0;
  private asked = 0;
  private askSoon: ReturnType<typeof setTimeout> | undefined;
  private profitSoon: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly symbol: string,
    private readonly live: Live,
  ) {}

  start(): void {
    // All four topics may tell of a gap at once.
    const again = () => {
      clearTimeout(this.askSoon);
      this.askSoon = setTimeout(() => void this.ask());
    };
    const watch = (topic: string, take: (data: unknown) => void) =>
      this.ends.push(this.live.watch(`${topic}:${this.symbol}`, take, again));
    watch("TRADE_EVENTS", (data) => this.takeTrade(data as Trade));
    watch("ORDERS", (data) => this.takeOrder(data as Order));
    watch("POSITIONS", (data) => this.takePosition(data as Position));
    watch("OHLC", (data) => this.takeCandle(data as Candle));
    const timer = setInterval(() => void this.askProfit(), 10_000);
    this.ends.push(() => clearInterval(timer));
  }

  stop(): void {
    for (const end of this.ends.splice(0)) end();
    cancelAnimationFrame(this.frame);
    if (this.profitSoon) clearTimeout(this.profitSoon);
    clearTimeout(this.askSoon);
    this.asked++; // nobody waits for the answers any more
    this.chart = null;
  }

  /** Draws bars of a length from now on. */
  draw(minutes: number, chart: (news: ChartNews) => void): void {
    this.minutes = minutes;
    this.chart = chart;
    this.askBars().catch((e: Error) => (this.error.value = e.message));
  }

  private async ask(): Promise<void> {
    const turn = ++this.asked;
    try {
      const [orders, fills, positions] = await Promise.all([
        api.orders(this.symbol, askedOrders),
        api.fills(this.symbol, keptFills),
        api.positions(this.symbol, true),
        this.askProfit(),
        this.askBars(),
      ]);
      if (turn !== this.asked) return;
      const known = new Map(this.orders.value);
      for (const o of orders.data) note(known, o);
      this.orders.value = known;
      // News that came meanwhile may be newer than the answer; the next news mends what is not.
      this.positions.value = new Map(positions.data.map((p) => [p.position_id, p]));
      this.addFills(fills.data);
      this.missing.value = [...new Set([...orders.missing, ...fills.missing, ...positions.missing])];
      this.error.value = "";
      for (const o of orders.data) this.learn(o.price);
    } catch (e) {
      if (turn === this.asked) this.error.value = (e as Error).message;
    }
  }

  private async askBars(): Promise<void> {
    const minutes = this.minutes;
    const [stored, ofMinute, trades] = await Promise.all([
      api.candles(this.symbol, minutes, 500),
      minutes === 1 ? null : api.candles(this.symbol, 1, Math.min(minutes, 240)),
      api.trades(this.symbol, 500),
    ]);
    if (minutes !== this.minutes || this.ends.length === 0) return;
    for (const t of trades.data) this.learn(t.price);
    this.all = bars(stored.data, ofMinute?.data ?? [], trades.data, minutes);
    const newest = this.trades.value[0]?.trade_id ?? 0;
    const more = trades.data.filter((t) => t.trade_id > newest).reverse();
    if (more.length > 0) this.show(more);
    this.chart?.({ all: this.all });
  }

  private async askProfit(): Promise<void> {
    try {
      const profit = await api.profit(this.symbol);
      if (this.ends.length > 0) this.profit.value = profit;
    } catch {
      // The banner says what is wrong.
    }
  }

  private takeTrade(t: Trade): void {
    this.fresh.push(t);
    if (this.fresh.length === 1) this.frame = requestAnimationFrame(() => this.flush());
  }

  /** Shows the trades that have come since the last picture. */
  private flush(): void {
    const fresh = this.fresh;
    this.fresh = [];
    let bar: Bar | null = null;
    for (const t of fresh) {
      const before = this.all.at(-1);
      bar = addTrade(this.all, t, this.minutes);
      if (before && bar !== before) this.chart?.({ latest: before });
      this.learn(t.price);
    }
    this.show(fresh.reverse());
    if (bar) this.chart?.({ latest: bar });
  }

  private show(latestFirst: Trade[]): void {
    const before = this.price.value;
    const amount = latestFirst[0]!.price;
    const changed = before ? Number(amount) - Number(before.amount) : 0;
    this.price.value = { amount, up: changed === 0 ? (before?.up ?? true) : changed > 0 };
    this.trades.value = [...latestFirst, ...this.trades.value].slice(0, keptTrades);
  }

  private takeOrder(o: Order): void {
    const known = new Map(this.orders.value);
    if (note(known, o)) this.orders.value = known;
    if (o.fills?.length) this.addFills(o.fills);
  }

  private addFills(more: Fill[]): void {
    const known = new Map([...more, ...this.fills.value].map((f) => [fillKey(f), f]));
    if (known.size === this.fills.value.length) return;
    this.fills.value = [...known.values()]
      .sort((a, b) => b.time - a.time || b.order_id - a.order_id || b.trade_id - a.trade_id)
      .slice(0, keptFills);
  }

  private takePosition(p: Position): void {
    this.positions.value = new Map(this.positions.value).set(p.position_id, p);
    for (const o of [p.buy, p.sell]) if (o) this.takeOrder(o);
    if (p.state !== "open" && !this.profitSoon) {
      this.profitSoon = setTimeout(() => {
        this.profitSoon = null;
        void this.askProfit();
      }, 500);
    }
  }

  private takeCandle(c: Candle): void {
    if (c.minutes !== this.minutes) return;
    if (finish(this.all, c)) this.chart?.({ all: this.all });
  }

  private learn(price: string): void {
    const n = places(price);
    if (n > this.decimals.value) this.decimals.value = n;
  }
}
