// The chart of a symbol's candles, with what we bought and sold, and the orders that rest.

import { useEffect, useRef } from "preact/hooks";
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  type CandlestickData,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import type { Feed } from "./feed";
import { lengthName, moment } from "./format";
import { levels, marks, type Bar } from "./series";
import { theme } from "./theme";

/** A colour of the style sheet as it is now, light or dark. */
function colour(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const dataOf = (b: Bar): CandlestickData<Time> => ({ ...b, time: b.time as UTCTimestamp });

interface Parts {
  chart: IChartApi;
  series: ISeriesApi<"Candlestick">;
  markers: ISeriesMarkersPluginApi<Time>;
  lines: IPriceLine[];
}

export function Chart({ feed, minutes }: { feed: Feed; minutes: number }) {
  const place = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts | null>(null);
  const look = theme.value;
  const decimals = feed.decimals.value;
  const orders = feed.orders.value;

  useEffect(() => {
    const element = place.current!;
    const chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: getComputedStyle(element).fontFamily, fontSize: 11 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.12 } },
      timeScale: { borderVisible: false, timeVisible: true, rightOffset: 4, minBarSpacing: 1 },
      localization: { timeFormatter: (t: Time) => moment((t as number) * 1_000_000) },
      handleScale: { axisPressedMouseMove: true },
    });
    const series = chart.addSeries(CandlestickSeries, { borderVisible: false });
    parts.current = { chart, series, markers: createSeriesMarkers(series, []), lines: [] };
    return () => {
      parts.current = null;
      chart.remove();
    };
  }, []);

  useEffect(() => {
    const { chart, series } = parts.current!;
    const element = place.current!;
    const line = colour(element, "line");
    const [up, down] = [colour(element, "buy"), colour(element, "sell")];
    chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: colour(element, "quiet") },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
    });
    series.applyOptions({ upColor: up, wickUpColor: up, downColor: down, wickDownColor: down });
  }, [look]);

  useEffect(() => {
    parts.current!.series.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals } });
  }, [decimals]);

  useEffect(() => {
    let first = true;
    feed.draw(minutes, (news) => {
      const at = parts.current;
      if (!at) return;
      if ("latest" in news) {
        at.series.update(dataOf(news.latest));
        return;
      }
      at.series.setData(news.all.map(dataOf));
      if (first) {
        const n = news.all.length;
        at.chart.timeScale().setVisibleLogicalRange({ from: n - Math.max(40, Math.min(n, 120)), to: n + 4 });
        first = false;
      }
    });
  }, [feed, minutes]);

  useEffect(() => {
    const at = parts.current!;
    const element = place.current!;
    const [buy, sell] = [colour(element, "buy"), colour(element, "sell")];
    at.markers.setMarkers(
      marks(orders.values(), minutes).map((m): SeriesMarker<Time> => ({
        time: m.time as UTCTimestamp,
        position: m.side === "BUY" ? "belowBar" : "aboveBar",
        shape: m.side === "BUY" ? "arrowUp" : "arrowDown",
        color: m.side === "BUY" ? buy : sell,
        text: (m.side === "BUY" ? "B" : "S") + (m.count > 1 ? ` ×${m.count}` : ""),
      })),
    );
    for (const line of at.lines) at.series.removePriceLine(line);
    at.lines = levels(orders.values()).map((l) =>
      at.series.createPriceLine({
        price: l.price,
        color: l.side === "BUY" ? buy : sell,
        lineStyle: 2,
        lineWidth: 1,
        axisLabelVisible: true,
        title: (l.side === "BUY" ? "buy" : "sell") + (l.count > 1 ? ` ×${l.count}` : ""),
      }),
    );
  }, [orders, minutes, look]);

  return (
    <div
      ref={place}
      class="chart"
      role="img"
      aria-label={`Candles of ${lengthName(minutes)} of ${feed.symbol}, with our buys and sells; the tables below have the same orders and trades`}
    />
  );
}
