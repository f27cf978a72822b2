// The websocket over which the node tells what happens, kept open as long as the page is.

import type { Frame } from "./types";

/** What of a browser's WebSocket is needed. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** The world around a connection. Times are in milliseconds. */
export interface World {
  open(): Socket;
  now(): number;
  /** A number from 0 up to but not including 1. */
  random(): number;
  after(milliseconds: number, what: () => void): unknown;
  cancel(timer: unknown): void;
}

/** The code with which the node closes a socket whose credentials are not good any more. */
export const policyViolation = 1008;

/** The node sends a beat every second; without any frame for so long the connection is dead. */
export const silence = 4000;

const firstPause = 250;
const longestPause = 8000;

/** How long to wait before the nth try after a connection was lost, n from 0. */
export function pause(n: number, random: number): number {
  return Math.min(firstPause * 2 ** n, longestPause) * (0.75 + random / 2);
}

export type State =
  | { is: "connecting" }
  | { is: "live" }
  /** retryAt is null while a try is under way. */
  | { is: "cut"; lastHeard: number | null; retryAt: number | null };

/** Listeners of a Live. */
export interface Listener {
  state(s: State): void;
  frame(f: Frame): void;
  /** The connection ended before it was open, or because of its credentials: they may be the reason. */
  refused(): void;
}

/** Live keeps one socket open and the server told of what is watched. */
export class Live {
  private socket: Socket | null = null;
  private opened = false;
  private ended = true;
  private tries = 0;
  private lastHeard: number | null = null;
  private timer: unknown = null;
  /** The topics that the server has said it watches. */
  private confirmed: ReadonlySet<string> = new Set();
  private readonly topics = new Map<string, Set<(data: unknown) => void>>();
  private readonly gaps = new Map<string, Set<() => void>>();

  constructor(
    private readonly world: World,
    private readonly listener: Listener,
  ) {}

  start(): void {
    if (!this.ended) return;
    this.ended = false;
    this.tries = 0;
    this.listener.state({ is: "connecting" });
    this.connect();
  }

  stop(): void {
    this.ended = true;
    this.clear();
    const opening = this.opened ? null : this.socket;
    if (!opening) return this.drop();
    // Browsers complain of sockets that are closed while they open.
    this.socket = null;
    opening.onmessage = opening.onclose = null;
    opening.onopen = () => opening.close();
  }

  /** Tries again at once, where the next try would be later. */
  retry(): void {
    if (this.ended || this.socket) return;
    this.again();
  }

  /**
   * Calls message with each event of the topic, and gap whenever some before may have been
   * missed, also at the beginning, until the returned function is called.
   */
  watch(topic: string, message: (data: unknown) => void, gap: () => void): () => void {
    const before = this.topics.size;
    include(this.topics, topic, message);
    include(this.gaps, topic, gap);
    if (this.topics.size !== before) this.tell();
    return () => {
      const before = this.topics.size;
      exclude(this.topics, topic, message);
      exclude(this.gaps, topic, gap);
      if (this.topics.size !== before) this.tell();
    };
  }

  private connect(): void {
    const socket = this.world.open();
    this.socket = socket;
    this.opened = false;
    socket.onopen = () => {
      this.opened = true;
      this.hear();
      this.tries = 0;
      this.confirmed = new Set();
      this.listener.state({ is: "live" });
      this.tell();
    };
    socket.onmessage = ({ data }) => {
      this.hear();
      if (typeof data === "string") this.take(data);
    };
    socket.onclose = ({ code }) => this.lost(code);
    this.guard();
  }

  private take(text: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return; // not from a node
    }
    if (frame.kind === "message") {
      for (const tell of this.topics.get(frame.topic) ?? []) tell(frame.data);
    } else if (frame.kind === "dropped") {
      this.missed(frame.topic);
    } else if (frame.kind === "watching") {
      const before = this.confirmed;
      this.confirmed = new Set(frame.data ?? []);
      for (const topic of this.confirmed) if (!before.has(topic)) this.missed(topic);
    } else {
      this.listener.frame(frame);
    }
  }

  private missed(topic: string): void {
    for (const tell of this.gaps.get(topic) ?? []) tell();
  }

  private tell(): void {
    if (this.socket && this.opened) this.socket.send(JSON.stringify({ watch: [...this.topics.keys()].sort() }));
  }

  private hear(): void {
    this.lastHeard = this.world.now();
    this.guard();
  }

  /** Ends the connection when nothing is heard for too long. */
  private guard(): void {
    this.clear();
    this.timer = this.world.after(silence, () => {
      this.drop();
      this.lost(0);
    });
  }

  private lost(code: number): void {
    const never = !this.opened;
    this.drop();
    this.clear();
    if (this.ended) return;
    const wait = pause(this.tries++, this.world.random());
    this.listener.state({ is: "cut", lastHeard: this.lastHeard, retryAt: this.world.now() + wait });
    this.timer = this.world.after(wait, () => this.again());
    if (never || code === policyViolation) this.listener.refused();
  }

  private again(): void {
    this.clear();
    this.listener.state({ is: "cut", lastHeard: this.lastHeard, retryAt: null });
    this.connect();
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.opened = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private clear(): void {
    if (this.timer !== null) this.world.cancel(this.timer);
    this.timer = null;
  }
}

function include<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function exclude<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
