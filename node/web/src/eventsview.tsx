// What has happened in the cluster.

import { useState } from "preact/hooks";
import { stamp } from "./format";
import { symbolPath } from "./route";
import { events, now } from "./store";
import { Badge, Choice, Section, Table } from "./ui";
import type { ClusterEvent } from "./types";

const kinds = ["all", "owner", "member", "leader", "quorum", "change"] as const;

export function KindBadge({ kind }: { kind: string }) {
  return <Badge tone={kind === "owner" ? "busy" : kind === "quorum" ? "warn" : "plain"}>{kind}</Badge>;
}

export function EventText({ event: e }: { event: ClusterEvent }) {
  return (
    <span>
      {e.symbol && <a href={symbolPath(e.symbol)}>{e.symbol}</a>}
      {e.symbol && e.node && " → "}
      {e.node && <b>{e.node}</b>}
      {e.symbol && e.node ? ": " : " "}
      {e.text}
    </span>
  );
}

export function EventsView() {
  const [kind, setKind] = useState<(typeof kinds)[number]>("all");
  const [words, setWords] = useState("");
  const sought = words.trim().toLowerCase();
  const rows = events.value.filter(
    (e) => (kind === "all" || e.kind === kind) && `${e.symbol ?? ""} ${e.node ?? ""} ${e.text}`.toLowerCase().includes(sought),
  );
  return (
    <>
      <h1>Events</h1>
      <div class="tools">
        <Choice legend="Kind of event" options={kinds} name={(k) => k} chosen={kind} choose={setKind} />
        <label class="field inline">
          <span class="unseen">Search in the events</span>
          <input type="search" placeholder="Symbol, node or word" value={words} onInput={(e) => setWords(e.currentTarget.value)} />
        </label>
      </div>
      <Section title="As this node saw them, the latest first">
        <Table<ClusterEvent>
          caption="Events of the cluster"
          flat
          rows={rows}
          id={(e) => `${e.time_us} ${e.kind} ${e.node} ${e.symbol} ${e.text}`}
          mark={(e) => (now.value - e.time_us / 1000 < 6000 ? "fresh" : "")}
          empty={events.value.length === 0 ? "Nothing has happened since the node started." : "No event is like that."}
          columns={[
            { head: "Time", cell: (e) => <time>{stamp(e.time_us, now.value)}</time> },
            { head: "Kind", cell: (e) => <KindBadge kind={e.kind} /> },
            { head: "What", cell: (e) => <EventText event={e} /> },
          ]}
        />
      </Section>
    </>
  );
}
