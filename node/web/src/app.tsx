// The frame around the views.

import { useEffect, useRef } from "preact/hooks";
import { Banners, ConnectionVoice } from "./banners";
import { BacktestView, BacktestsView } from "./backtestsview";
import { ClusterView } from "./clusterview";
import { EventsView } from "./eventsview";
import { Login } from "./login";
import { titleOf, type Route } from "./route";
import { connection, leave, notice, role, route, session } from "./store";
import { SymbolView } from "./symbolview";
import { SymbolsView } from "./symbolsview";
import { switchTheme, theme } from "./theme";
import { Button, DialogPlace } from "./ui";

const places: { view: Route["view"]; also?: Route["view"]; href: string; name: string }[] = [
  { view: "cluster", href: "#/", name: "Cluster" },
  { view: "symbols", also: "symbol", href: "#/symbols", name: "Symbols" },
  { view: "events", href: "#/events", name: "Events" },
  { view: "backtests", also: "backtest", href: "#/backtests", name: "Backtests" },
];

export function App() {
  const main = useRef<HTMLElement>(null);
  const r = route.value;
  const closed = session.value !== null && role.value === "none";
  const title = closed ? "Log in" : titleOf(r);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · Hedgehog${session.value ? ` ${session.value.node}` : ""}`;
    // Whoever goes elsewhere by keyboard goes on there.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>
        Skip to the content
      </a>
      <header>
        <a class="brand" href="#/">
          <img src="/icon.svg" alt="" width="28" height="28" />
          Hedgehog
        </a>
        {!closed && (
          <nav aria-label="Views">
            {places.map((p) => (
              <a key={p.view} href={p.href} aria-current={p.view === r.view || p.also === r.view ? "page" : undefined}>
                {p.name}
              </a>
            ))}
          </nav>
        )}
        <div class="who">
          {closed ? <b>{session.value?.node}</b> : <Connection />}
          <Who />
          <Button small label={theme.value === "dark" ? "Light colours" : "Dark colours"} onClick={switchTheme}>
            {theme.value === "dark" ? "☀" : "☾"}
          </Button>
        </div>
      </header>
      <ConnectionVoice />
      {!closed && <Banners />}
      <main id="main" ref={main} tabIndex={-1}>
        {closed ? <Login /> : <View route={r} />}
      </main>
      <footer>
        <span>
          Hedgehog {session.value?.version}
          {role.value === "read" && " · your role is read: changes need the role trade or admin"}
          {role.value === "trade" && " · your role is trade: changes of the cluster need the role admin"}
        </span>
        <span>
          Charts by{" "}
          <a href="https://www.tradingview.com/" rel="noreferrer">
            TradingView
          </a>{" "}
          Lightweight Charts™
        </span>
      </footer>
      <Notice />
      <DialogPlace />
    </>
  );
}

function View({ route: r }: { route: Route }) {
  switch (r.view) {
    case "cluster":
      return <ClusterView />;
    case "symbols":
      return <SymbolsView />;
    case "symbol":
      return <SymbolView key={r.symbol} symbol={r.symbol} />;
    case "events":
      return <EventsView />;
    case "backtests":
      return <BacktestsView />;
    case "backtest":
      return <BacktestView key={r.id} id={r.id} />;
    case "nowhere":
      return (
        <>
          <h1>There is nothing here</h1>
          <p>
            Go to the <a href="#/">cluster</a>.
          </p>
        </>
      );
  }
}

function Connection() {
  const is = connection.value.is;
  const word = { live: "Live", connecting: "Connecting", cut: "Cut off" }[is];
  return (
    <span class={`connection ${is}`} data-connection={is}>
      <span class="lamp" aria-hidden="true" /> {word}
      {session.value && <b> {session.value.node}</b>}
    </span>
  );
}

function Who() {
  const s = session.value;
  if (!s || s.role === "none") return null;
  if (s.access === "open") return <span class="role">open</span>;
  return (
    <>
      <span class="role" title={`role ${s.role}`}>
        {s.name || "token"} · {s.role}
      </span>
      {s.access === "session" && (
        <Button small onClick={() => void leave()}>
          Log out
        </Button>
      )}
    </>
  );
}

function Notice() {
  const n = notice.value;
  return (
    <div class="notices" role="status">
      {n && <p class={`notice ${n.bad ? "bad" : ""}`}>{n.text}</p>}
    </div>
  );
}
