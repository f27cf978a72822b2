// What the page knows, as signals: views that read one are drawn again when it changes.

import { computed, signal } from "@preact/signals";
import * as api from "./api";
import { Live, type Socket, type State } from "./live";
import { parseRoute } from "./route";
import { arrivals, mergeEvents } from "./takeover";
import type { ClusterEvent, ClusterStatus, ClusterSymbol, Frame, Role, Session, Status } from "./types";

/** Who one is to the node; null before it has said so. */
export const session = signal<Session | null>(null);
export const connection = signal<State>({ is: "connecting" });
export const cluster = signal<ClusterStatus | null>(null);
export const symbols = signal<ClusterSymbol[] | null>(null);
export const status = signal<Status | null>(null);
/** The nodes that do not answer the one that is asked. */
export const missing = signal<string[]>([]);
/** What has happened in the cluster, the latest first. */
export const events = signal<ClusterEvent[]>([]);
/** The symbols that have just got another owner, with the time in milliseconds. */
export const arrived = signal<ReadonlyMap<string, number>>(new Map());
/** The time, to the second, for what is written as an age. */
export const now = signal(Date.now());
export const route = signal(parseRoute(location.hash));
/** The latest word on what one has asked for, for those who do not see it. */
export const notice = signal<{ text: string; bad: boolean } | null>(null);

export const role = computed<Role>(() => session.value?.role ?? "none");

const order: Role[] = ["none", "read", "trade", "admin"];

/** Whether one has a role or a higher one. */
export function may(needed: Role): boolean {
  return order.indexOf(role.value) >= order.indexOf(needed);
}

/** How long a symbol that has moved is marked, in milliseconds. */
const marked = 6000;

function take(f: Frame): void {
  switch (f.kind) {
    case "cluster":
      cluster.value = f.data;
      break;
    case "symbols": {
      const after = f.data ?? [];
      const moved = arrivals(symbols.value, after);
      symbols.value = after;
      if (moved.length > 0) {
        const at = Date.now();
        arrived.value = new Map([...arrived.value, ...moved.map((s) => [s, at] as const)]);
      }
      break;
    }
    case "status":
      status.value = f.data;
      missing.value = f.missing ?? [];
      break;
    case "events":
      events.value = mergeEvents(events.value, f.data ?? []);
      break;
  }
}

export const live = new Live(
  {
    open: () => new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/api/v1/live`) as Socket,
    now: () => Date.now(),
    random: () => Math.random(),
    after: (milliseconds, what) => setTimeout(what, milliseconds),
    cancel: (timer) => clearTimeout(timer as number),
  },
  { state: (s) => (connection.value = s), frame: take, refused: () => void meet() },
);

/** Asks the node who one is, and listens to it if one may. */
export async function meet(): Promise<void> {
  try {
    enter(await api.session());
  } catch {
    live.start(); // which goes on trying, and says that the node does not answer
  }
}

/** Begins or ends what one's role allows. */
export function enter(s: Session): void {
  session.value = s;
  if (s.role === "none") live.stop();
  else live.start();
}

export async function leave(): Promise<void> {
  try {
    await api.logout();
  } catch (e) {
    say(`Not logged out: ${(e as Error).message}`, true);
    return;
  }
  live.stop();
  for (const s of [cluster, symbols, status]) s.value = null;
  events.value = [];
  missing.value = [];
  await meet();
}

/** Tells, for a while, what came of something. */
export function say(text: string, bad = false): void {
  const word = { text, bad };
  notice.value = word;
  setTimeout(() => {
    if (notice.value === word) notice.value = null;
  }, bad ? 12_000 : 5000);
}

/** Starts what goes on as long as the page is there. */
export function begin(): void {
  window.addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));
  window.addEventListener("online", () => live.retry());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") live.retry();
  });
  setInterval(() => {
    now.value = Date.now();
    const old = now.value - marked;
    if ([...arrived.value.values()].some((at) => at < old)) {
      arrived.value = new Map([...arrived.value].filter(([, at]) => at >= old));
    }
  }, 1000);
  void meet();
}
