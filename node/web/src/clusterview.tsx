// The cluster: its nodes, who owns what, what happens.

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { sum } from "./decimal";
import { clock, count, span } from "./format";
import { symbolPath } from "./route";
import { arrived, cluster, events, missing, now, status, symbols } from "./store";
import { EventText, KindBadge } from "./eventsview";
import { Badge, Button, Choice, DialogForm, Figure, Gain, Preview, Section, Table, confirm, openDialog } from "./ui";
import type { ClusterNode, ClusterSymbol, Profit, SymbolStatus } from "./types";

/** Asks every few seconds what has been earned, by symbol. */
function useProfits(): Map<string, Profit> {
  const [profits, setProfits] = useState<Map<string, Profit>>(new Map());
  useEffect(() => {
    let wanted = true;
    const ask = () =>
      api.profits().then(
        (all) => wanted && setProfits(new Map(all.map((p) => [p.symbol, p]))),
        () => undefined, // the banner says what is wrong
      );
    void ask();
    const timer = setInterval(ask, 5000);
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, []);
  return profits;
}

export function ClusterView() {
  const profits = useProfits();
  const c = cluster.value;
  if (!c) return <p class="empty">Waiting for the node …</p>;
  const nodes = c.nodes ?? [];
  const owned = symbols.value ?? [];
  const unowned = owned.filter((s) => s.node === "");
  return (
    <>
      <h1 class="unseen">Cluster</h1>
      <Summary profits={profits} />
      <div class="nodes">
        {nodes.map((n) => (
          <NodeCard key={n.name} node={n} symbols={owned.filter((s) => s.node === n.name)} leader={c.leader} />
        ))}
        {unowned.length > 0 && (
          <section class="panel node" aria-label="Symbols that nobody owns">
            <div class="panel-head">
              <h2>Nobody</h2>
              <Badge tone="warn">waiting for an owner</Badge>
            </div>
            <Chips symbols={unowned} />
          </section>
        )}
      </div>
      <div class="two">
        <SymbolTable owned={owned} profits={profits} />
        <Section title="Latest events" extra={<a href="#/events">All events</a>}>
          <div role="log" aria-label="Latest events">
          <ol class="feed">
            {events.value.slice(0, 12).map((e) => (
              <li key={`${e.time_us} ${e.kind} ${e.node} ${e.symbol} ${e.text}`} class={now.value - e.time_us / 1000 < 6000 ? "fresh" : ""}>
                <time>{clock(e.time_us)}</time> <KindBadge kind={e.kind} /> <EventText event={e} />
              </li>
            ))}
          </ol>
          </div>
        </Section>
      </div>
    </>
  );
}

function Summary({ profits }: { profits: Map<string, Profit> }) {
  const c = cluster.value!;
  const nodes = c.nodes ?? [];
  const alive = nodes.filter((n) => n.state === "alive").length;
  const assets = [...new Set([...profits.values()].map((p) => p.quote_asset))].sort();
  const trading = (status.value?.symbols ?? []).filter((s) => s.trading.status !== "off").length;
  return (
    <dl class="figures">
      <Figure name="Nodes alive">
        {alive} <span class="unit">of {nodes.length}</span>
      </Figure>
      <Figure name="Leader">
        {c.leader || "none"} <span class="unit">term {c.term}</span>
      </Figure>
      <Figure name="Quorum">{c.quorum ? "Yes" : <span class="loss">No</span>}</Figure>
      <Figure name="Symbols traded">
        {trading} <span class="unit">of {symbols.value?.length ?? 0} assigned</span>
      </Figure>
      {assets.map((asset) => {
        const of = [...profits.values()].filter((p) => p.quote_asset === asset);
        return (
          <Figure key={asset} name="Profit, 24 hours">
            <Gain amount={sum(of.map((p) => p.profit_day))} asset={asset} unit />
          </Figure>
        );
      })}
    </dl>
  );
}

function NodeCard({ node: n, symbols: owned, leader }: { node: ClusterNode; symbols: ClusterSymbol[]; leader: string }) {
  const alive = n.state === "alive";
  const load = owned.reduce((total, s) => total + s.weight, 0);
  const lease = leaseOf(owned);
  return (
    <section class={`panel node ${alive ? "" : "down"}`} aria-label={`Node ${n.name}`} data-node={n.name}>
      <div class="panel-head">
        <h2>{n.name}</h2>
        <span class="badges">
          {n.name === leader && <Badge tone="busy">leader</Badge>}
          {n.role !== "leader" && n.role !== "none" && <Badge>{n.role}</Badge>}
          {n.draining && <Badge tone="warn">draining</Badge>}
          {lease === 0 && alive && <Badge tone="warn">no lease</Badge>}
          {alive && missing.value.includes(n.name) && <Badge tone="warn">does not answer</Badge>}
          <Badge tone={alive ? "good" : "bad"}>{alive ? "● alive" : `✕ ${n.state}`}</Badge>
        </span>
      </div>
      <dl class="facts">
        <div>
          <dt>Load</dt>
          <dd>
            {count(owned.length, "symbol")}
            {load !== owned.length && `, weight ${load}`}
          </dd>
        </div>
        {lease !== null && lease > 0 && (
          <div title="how long it may act yet; it renews that several times a second">
            <dt>Lease</dt>
            <dd>{(lease / 1000).toFixed(1)}&nbsp;s</dd>
          </div>
        )}
        <div>
          <dt>{alive ? "Up" : "Since"}</dt>
          <dd>{alive ? span(n.uptime_seconds) : clock(n.since_us)}</dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{n.version}</dd>
        </div>
        {n.zone && (
          <div>
            <dt>Zone</dt>
            <dd>{n.zone}</dd>
          </div>
        )}
        {n.weight !== 1 && (
          <div>
            <dt>Weight</dt>
            <dd>{n.weight}</dd>
          </div>
        )}
      </dl>
      <Chips symbols={owned} />
      <NodeActions node={n} leader={leader} />
    </section>
  );
}

/** How long a node's lease lasts yet, in milliseconds; null where nothing that runs tells. */
function leaseOf(owned: ClusterSymbol[]): number | null {
  const told = (status.value?.symbols ?? []).filter((s) => owned.some((o) => o.symbol === s.symbol && o.node === s.node));
  return told.length === 0 ? null : Math.max(...told.map((s) => s.lease_ms ?? 0));
}

function NodeActions({ node: n, leader }: { node: ClusterNode; leader: string }) {
  const alive = n.state === "alive";
  const act = (what: Parameters<typeof api.changeNode>[0], title: string, action: string, text: string, danger = false) => () =>
    confirm({
      title,
      text,
      action,
      danger,
      ...(what === "transfer-leader" ? {} : { plan: () => api.changeNode(what, n.name, true) }),
      run: async () => {
        await api.changeNode(what, n.name, false);
        return `${action}: ${n.name}`;
      },
    });
  return (
    <div class="buttons start">
      {alive && n.name !== leader && n.role === "voter" && (
        <Button small need="admin" label={`Make leader: ${n.name}`}
          onClick={act("transfer-leader", `Make ${n.name} the leader?`, "Make leader", "Leadership moves there; trading goes on.")}>
          Make leader
        </Button>
      )}
      {n.draining ? (
        <Button small need="admin" label={`Undrain ${n.name}`}
          onClick={act("undrain", `Undrain ${n.name}?`, "Undrain", "It may own symbols again.")}>
          Undrain
        </Button>
      ) : (
        alive && (
          <Button small need="admin" label={`Drain ${n.name}`}
            onClick={act("drain", `Drain ${n.name}?`, "Drain", "It hands all its symbols to other nodes and gets no new ones until it is undrained.")}>
            Drain
          </Button>
        )
      )}
      {!alive && (
        <Button small kind="danger" need="admin" label={`Remove ${n.name}`}
          onClick={act("remove", `Remove ${n.name}?`, "Remove", "The cluster forgets it. Do that with a machine that will not come back.", true)}>
          Remove
        </Button>
      )}
    </div>
  );
}

function Chips({ symbols: owned }: { symbols: ClusterSymbol[] }) {
  const settings = new Map((status.value?.symbols ?? []).map((s) => [s.symbol, s]));
  if (owned.length === 0) return <p class="empty">No symbols.</p>;
  return (
    <ul class="chips">
      {owned.map((s) => {
        const fresh = arrived.value.has(s.symbol);
        const of = settings.get(s.symbol);
        return (
          <li key={s.symbol}>
            <a href={symbolPath(s.symbol)} class={`chip ${fresh ? "fresh" : ""}`} data-symbol={s.symbol}>
              <TradingSign settings={of} />
              {s.symbol}
              {s.pin && <span title={`pinned to ${s.pin}`}> pinned</span>}
              {s.next && <span class="next"> → {s.next}</span>}
              {fresh && <span class="new"> moved</span>}
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function TradingSign({ settings }: { settings: SymbolStatus | undefined }) {
  switch (settings?.trading.status) {
    case "on":
      return <span class="dot on" role="img" aria-label="traded" title="traded" />;
    case "shutdown":
      return <span class="dot half" role="img" aria-label="shutting down" title="shutting down" />;
    default:
      return <span class="dot" role="img" aria-label="not traded" title="not traded" />;
  }
}

/** How a symbol's trading stands, in a word. */
export function TradingBadge({ settings }: { settings: SymbolStatus | undefined }) {
  if (settings?.trading_error) return <Badge tone="bad">order refused</Badge>;
  switch (settings?.trading.status) {
    case "on":
      return <Badge tone="good">trading</Badge>;
    case "shutdown":
      return <Badge tone="warn">shutting down</Badge>;
    default:
      return <Badge>{settings?.streaming ? "watching" : "off"}</Badge>;
  }
}

function SymbolTable({ owned, profits }: { owned: ClusterSymbol[]; profits: Map<string, Profit> }) {
  const settings = new Map((status.value?.symbols ?? []).map((s) => [s.symbol, s]));
  return (
    <Section
      title="Symbols"
      extra={
        <Button small need="admin" onClick={() => confirm({
          title: "Rebalance the cluster?",
          text: "All symbols are spread anew as evenly as their weights allow. This may move many.",
          action: "Rebalance",
          plan: () => api.rebalance(true),
          run: async () => `Rebalanced: ${count((await api.rebalance(false)).moves.length, "symbol")} on the way`,
        })}>
          Rebalance
        </Button>
      }
    >
      <Table<ClusterSymbol>
        caption="Symbols with their owners"
        rows={owned}
        id={(s) => s.symbol}
        mark={(s) => (arrived.value.has(s.symbol) ? "fresh" : "")}
        empty={<>No symbol is assigned yet. Start one under <a href="#/symbols">Symbols</a>.</>}
        columns={[
          { head: "Symbol", main: true, cell: (s) => <a href={symbolPath(s.symbol)}>{s.symbol}</a> },
          { head: "Node", cell: (s) => <>{s.node || "nobody"}{s.next && ` → ${s.next}`}{s.pin && " (pinned)"}</> },
          { head: "State", cell: (s) => <TradingBadge settings={settings.get(s.symbol)} /> },
          { head: "Open", end: true, cell: (s) => settings.get(s.symbol)?.open_positions ?? 0 },
          { head: "Cycles", end: true, wide: true, cell: (s) => profits.get(s.symbol)?.cycles ?? 0 },
          { head: "24 hours", end: true, cell: (s) => <GainOf profit={profits.get(s.symbol)} of="profit_day" /> },
          { head: "All time", end: true, wide: true, cell: (s) => <GainOf profit={profits.get(s.symbol)} of="profit" /> },
          { head: "", end: true, wide: true, cell: (s) => <Button small need="admin" label={`Move ${s.symbol}`} onClick={() => move(s)}>Move</Button> },
        ]}
      />
    </Section>
  );
}

function GainOf({ profit: p, of }: { profit: Profit | undefined; of: "profit" | "profit_day" }) {
  return p ? <Gain amount={p[of]} asset={p.quote_asset} unit /> : <span class="unit">–</span>;
}

const pinnings = ["now", "always"] as const;

/** Asks where a symbol shall go. */
export function move(s: ClusterSymbol): void {
  openDialog(() => <MoveForm symbol={s} />);
}

function MoveForm({ symbol: s }: { symbol: ClusterSymbol }) {
  const nodes = (cluster.value?.nodes ?? []).filter((n) => n.state === "alive" && n.role !== "none");
  const [node, setNode] = useState(s.pin ?? nodes.find((n) => n.name !== s.node)?.name ?? "");
  const [pinning, setPinning] = useState<(typeof pinnings)[number]>(s.pin ? "always" : "now");
  const plan = (dryRun: boolean) => {
    if (node === "" || pinning === "always") return api.pin(s.symbol, node, dryRun);
    return api.assign({ symbols: [s.symbol], node }, dryRun);
  };
  return (
    <DialogForm
      title={`Move ${s.symbol}`}
      action={node === "" ? "Unpin" : "Move"}
      run={async () => {
        if (s.pin && pinning === "now" && node !== "") await api.pin(s.symbol, "", false);
        await plan(false);
        return node === "" ? `${s.symbol} may be anywhere` : `${s.symbol} goes to ${node}`;
      }}
    >
      <p>Its orders and positions stay; the next owner takes them over.</p>
      <label class="field">
        <span>Node</span>
        <select value={node} onChange={(e) => setNode(e.currentTarget.value)}>
          {nodes.map((n) => (
            <option key={n.name} value={n.name} disabled={n.draining}>
              {n.name}{n.name === s.node ? " (owns it now)" : ""}{n.draining ? " (draining)" : ""}
            </option>
          ))}
          {s.pin && <option value="">wherever there is room</option>}
        </select>
      </label>
      {node !== "" && (
        <Choice legend="For how long" options={pinnings} chosen={pinning} choose={setPinning}
          name={(p) => (p === "now" ? "Move it now" : "Pin it there")} />
      )}
      <Preview plan={() => plan(true)} on={`${node} ${pinning}`} />
    </DialogForm>
  );
}
