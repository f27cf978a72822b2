import { beforeEach, describe, expect, test } from "vitest";
import { Live, pause, policyViolation, silence, type Socket, type State } from "../src/live";
import type { Frame } from "../src/types";

/** A world with a clock that the test moves, and sockets that it plays the other end of. */
class Stage {
  time = 0;
  sockets: Played[] = [];
  states: State[] = [];
  frames: Frame[] = [];
  refusals = 0;
  private timers: { at: number; what: () => void }[] = [];

  readonly live = new Live(
    {
      open: () => {
        const socket = new Played();
        this.sockets.push(socket);
        return socket;
      },
      now: () => this.time,
      random: () => 0.5,
      after: (milliseconds, what) => {
        const timer = { at: this.time + milliseconds, what };
        this.timers.push(timer);
        return timer;
      },
      cancel: (timer) => (this.timers = this.timers.filter((t) => t !== timer)),
    },
    { state: (s) => this.states.push(s), frame: (f) => this.frames.push(f), refused: () => this.refusals++ },
  );

  get socket(): Played {
    return this.sockets.at(-1)!;
  }

  get state(): State {
    return this.states.at(-1)!;
  }

  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((t) => t !== next);
      this.time = next.at;
      next.what();
    }
    this.time = end;
  }
}

class Played implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: string[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

describe("a live connection", () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
    stage.live.start();
  });

  test("hands on what the node tells", () => {
    stage.socket.onopen!();
    expect(stage.state).toEqual({ is: "live" });
    stage.socket.say({ kind: "beat", time_us: 1 });
    expect(stage.frames).toEqual([{ kind: "beat", time_us: 1 }]);
  });

  test("tells what is watched, when it opens and when that changes", () => {
    const heard: unknown[] = [];
    const end = stage.live.watch("ORDERS:X", (data) => heard.push(data), () => undefined);
    stage.socket.onopen!();
    stage.live.watch("OHLC:X", () => undefined, () => undefined);
    expect(stage.socket.sent.map((s) => JSON.parse(s).watch)).toEqual([["ORDERS:X"], ["OHLC:X", "ORDERS:X"]]);
    stage.socket.say({ kind: "message", topic: "ORDERS:X", data: 7 });
    end();
    stage.socket.say({ kind: "message", topic: "ORDERS:X", data: 8 });
    expect(heard).toEqual([7]);
    expect(JSON.parse(stage.socket.sent.at(-1)!).watch).toEqual(["OHLC:X"]);
  });

  test("says that something may be missing: at the beginning, after drops, after a cut", () => {
    let gaps = 0;
    stage.live.watch("ORDERS:X", () => undefined, () => gaps++);
    stage.socket.onopen!();
    stage.socket.say({ kind: "watching", data: ["ORDERS:X"] });
    expect(gaps).toBe(1);
    stage.socket.say({ kind: "watching", data: ["ORDERS:X", "OHLC:X"] });
    expect(gaps).toBe(1);
    stage.socket.say({ kind: "dropped", topic: "ORDERS:X", count: 3 });
    expect(gaps).toBe(2);
    stage.socket.onclose!({ code: 1006 });
    stage.pass(1000);
    stage.socket.onopen!();
    stage.socket.say({ kind: "watching", data: ["ORDERS:X"] });
    expect(gaps).toBe(3);
  });

  test("is cut when nothing is heard, and tries again ever more seldom", () => {
    stage.socket.onopen!();
    stage.pass(1000);
    stage.socket.say({ kind: "beat", time_us: 1 });
    stage.pass(silence - 1);
    expect(stage.state.is).toBe("live");
    stage.pass(1);
    expect(stage.sockets[0]!.closed).toBe(true);
    expect(stage.state).toEqual({ is: "cut", lastHeard: 1000, retryAt: stage.time + pause(0, 0.5) });
    for (let n = 0; n < 6; n++) {
      stage.pass(pause(n, 0.5));
      expect(stage.sockets).toHaveLength(n + 2);
      stage.socket.onclose!({ code: 1006 });
    }
    stage.pass(pause(6, 0.5));
    stage.socket.onopen!();
    expect(stage.state).toEqual({ is: "live" });
  });

  test("has its credentials looked at when it is refused or thrown out, not when it is cut", () => {
    stage.socket.onclose!({ code: 1006 });
    expect(stage.refusals).toBe(1);
    stage.pass(1000);
    stage.socket.onopen!();
    stage.socket.onclose!({ code: 1006 });
    expect(stage.refusals).toBe(1);
    stage.pass(1000);
    stage.socket.onopen!();
    stage.socket.onclose!({ code: policyViolation });
    expect(stage.refusals).toBe(2);
  });

  test("tries again at once when one asks for it", () => {
    stage.socket.onclose!({ code: 1006 });
    stage.live.retry();
    expect(stage.sockets).toHaveLength(2);
    stage.live.retry(); // one is under way
    expect(stage.sockets).toHaveLength(2);
  });

  test("that is stopped stays so", () => {
    stage.socket.onopen!();
    stage.live.stop();
    stage.pass(100_000);
    stage.live.retry();
    expect(stage.sockets).toHaveLength(1);
    expect(stage.socket.closed).toBe(true);
  });

  test("that is stopped while it opens is closed once it is open", () => {
    const { socket } = stage;
    stage.live.stop();
    expect(socket.closed).toBe(false);
    socket.onopen!();
    expect(socket.closed).toBe(true);
    expect(stage.states).toEqual([{ is: "connecting" }]);
    stage.live.start();
    expect(stage.sockets).toHaveLength(2);
  });

  test("passes over what is not from a node", () => {
    stage.socket.onopen!();
    stage.socket.onmessage!({ data: "<html>" });
    expect(stage.frames).toEqual([]);
  });
});

test("pauses grow to a bound and are spread by chance", () => {
  expect(pause(0, 0)).toBeLessThan(pause(0, 0.99));
  expect(pause(20, 0.5)).toBe(pause(30, 0.5));
  expect(pause(20, 0.99)).toBeLessThanOrEqual(10_000);
});
