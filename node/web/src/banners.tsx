// What one has to know before trusting what the page shows.

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { span } from "./format";
import { cluster, connection, live, missing, now, session, status } from "./store";
import { Button } from "./ui";

type Kind = "bad" | "warn" | "note";

function Banner({ kind, id, children }: { kind: Kind; id: string; children: ComponentChildren }) {
  return (
    <div class={`banner ${kind}`} data-banner={id}>
      {children}
    </div>
  );
}

const ago = (ms: number) => `${span((now.value - ms) / 1000)} ago`;

export function Banners() {
  const s = session.value;
  const c = cluster.value;
  const exchange = status.value?.exchange;
  return (
    <section aria-label="Warnings" class="banners">
      <CutOff />
      {connection.value.is === "live" && c && !c.quorum && (
        <Banner kind="bad" id="quorum">
          <b>No quorum.</b> A majority of the voters is not there: nobody trades and nothing can be changed until they are back.
        </Banner>
      )}
      {connection.value.is === "live" && missing.value.length > 0 && (
        <Banner kind="warn" id="missing">
          <b>{missing.value.join(", ")} {missing.value.length === 1 ? "does" : "do"} not answer.</b> Figures that come from there are old or left out.
        </Banner>
      )}
      {exchange && !exchange.ready && (
        <Banner kind="warn" id="exchange">
          <b>The exchange {exchange.name} is not ready.</b> {exchange.error ?? "What it lists is not known yet."}
        </Banner>
      )}
      {s?.access === "open" && <Open />}
    </section>
  );
}

/** Others that may show the page while this node does not. */
function others(): { name: string; url: string }[] {
  const own = session.value?.node;
  return (cluster.value?.nodes ?? [])
    .filter((n) => n.name !== own && n.state === "alive" && n.http !== "")
    .map((n) => ({ name: n.name, url: n.http.includes("://") ? n.http : `${location.protocol}//${n.http}` }));
}

function CutOff() {
  const state = connection.value;
  if (state.is !== "cut") return null;
  const left = state.retryAt === null ? 0 : Math.ceil((state.retryAt - now.value) / 1000);
  return (
    <Banner kind="bad" id="cut">
      <span>
        <b>Cut off from {session.value?.node ?? "the node"}.</b>{" "}
        {state.lastHeard === null ? "It was not heard yet." : <>Last heard <span data-heard>{ago(state.lastHeard)}</span>; what you see is as old.</>}{" "}
        {left > 0 ? `Trying again in ${span(left)}.` : "Trying again …"}
        {others().length > 0 && (
          <>
            {" "}
            The page of another node:{" "}
            {others().map((n) => (
              <a key={n.name} href={n.url + location.hash}>
                {n.name}{" "}
              </a>
            ))}
          </>
        )}
      </span>
      <Button small onClick={() => live.retry()}>
        Try now
      </Button>
    </Banner>
  );
}

const dismissed = "hedgehog-open-seen";

function Open() {
  const [seen, setSeen] = useState(() => {
    try {
      return sessionStorage.getItem(dismissed) !== null;
    } catch {
      return false;
    }
  });
  if (seen) return null;
  return (
    <Banner kind="note" id="open">
      <span>
        <b>Access is open.</b> The cluster has no tokens: whoever is on the node's machine may do everything.{" "}
        <code>hedgehog token create NAME --role admin</code> closes it.
      </span>
      <Button
        small
        label="Hide the note that access is open"
        onClick={() => {
          try {
            sessionStorage.setItem(dismissed, "yes");
          } catch {
            // It comes back with the next visit.
          }
          setSeen(true);
        }}
      >
        Hide
      </Button>
    </Banner>
  );
}

/** Says when the connection is lost and when it is back, to those who do not see the banner. */
export function ConnectionVoice() {
  const [word, setWord] = useState("");
  const is = connection.value.is;
  useEffect(() => {
    setWord(is === "cut" ? "Connection lost; what is shown may be old." : is === "live" ? "Connected." : "");
  }, [is]);
  return (
    <span class="unseen" role="status" aria-live="polite">
      {word}
    </span>
  );
}
