// Drives the page against a node that is played, through what a real one seldom is:
//
//   node browser/states.mjs URL-of-the-page

import { check, desktop, launch, open, phone, run, sound, until } from "./lib.mjs";
import { play, say, tell, world } from "./fake.mjs";

const url = process.argv[2];
const browser = await launch();

/** Opens the page in a world that change has its say in, goes through it, and hears no complaint. */
async function within(change, go, options = {}) {
  const w = world();
  change(w);
  const { page, context, complaints } = await open(browser, { url, ...options });
  await play(page, w);
  // A real node tells a beat every second.
  const beat = setInterval(() => w.live && w.sockets.length > 0 && !w.silent && say(w, { kind: "beat", time_us: 0 }), 500);
  try {
    await page.goto(url + (options.at ?? ""));
    await go(page, w);
    check(complaints.length === 0, `complaints: ${complaints.join("\n")}`);
  } finally {
    clearInterval(beat);
    await context.close();
  }
}

const views = {
  cluster: ["#/", "Quorum"],
  symbols: ["#/symbols", "What is switched on"],
  symbol: ["#/symbols/XRPUSDT", "Trades of the market"],
  events: ["#/events", "leads term 4"],
  backtests: ["#/backtests", "New backtest"],
  backtest: ["#/backtests/b1", "Report in a window"],
};

await run([
  ...Object.entries(views).map(([name, [at, text]]) => [`the view ${name} is sound at both widths, light and dark`, async () => {
    for (const size of [desktop, phone]) {
      for (const look of ["light", "dark"]) {
        await within(() => {}, async (page) => {
          await page.getByText(text).first().waitFor();
          if (name === "symbol") await page.locator(".chart canvas").first().waitFor();
          await sound(page, `${size.width} wide, ${look}`);
        }, { at, size, look });
      }
    }
  }]),
  ["a wrong token is refused and a right one lets in", () =>
    within((w) => {
      w.session = { ...w.session, access: "none", role: "none", tokens: true };
      w.tokens = { hh_good: { role: "trade", name: "desk" } };
    }, async (page) => {
      const field = page.getByLabel("Token");
      await field.waitFor();
      await sound(page, "login");
      check((await page.getByRole("navigation").count()) === 0, "there is a way past the login");
      await field.fill("hh_bad");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("alert").getByText("no such token").waitFor();
      await field.fill("hh_good");
      await field.press("Enter");
      await page.getByText("desk · trade").waitFor();
      await page.getByRole("heading", { name: "n2" }).waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await field.waitFor();
      check((await page.getByRole("heading", { name: "n2" }).count()) === 0, "the cluster is still shown");
    }, { expected: [/401/] })],
  ["without tokens and from elsewhere, the login says how to make the first", () =>
    within((w) => {
      w.session = { ...w.session, access: "none", role: "none", tokens: false };
    }, async (page) => {
      await page.getByText("hedgehog token create NAME --role admin").waitFor();
    })],
  ["what the role does not allow is disabled and says why", () =>
    within((w) => {
      w.session = { ...w.session, access: "session", role: "read", name: "guest", tokens: true };
    }, async (page) => {
      const stop = page.getByRole("button", { name: "Stop" });
      await stop.waitFor();
      check(await stop.isDisabled(), "a reader may stop");
      check((await stop.getAttribute("title")).includes("needs the role trade"), "no reason is given");
      await page.getByText("your role is read").waitFor();
      await page.goto(url + "#/");
      const drain = page.getByRole("button", { name: "Drain n2" });
      await drain.waitFor();
      check(await drain.isDisabled(), "a reader may drain");
    }, { at: "#/symbols/XRPUSDT" })],
  ["a session that is revoked leads back to the login", () =>
    within((w) => {
      w.session = { ...w.session, access: "session", role: "read", name: "guest", tokens: true };
    }, async (page, w) => {
      await page.getByText("guest · read").waitFor();
      w.session = { ...w.session, access: "none", role: "none", name: "" };
      w.sockets.at(-1).close({ code: 1008 });
      await page.getByLabel("Token").waitFor();
    })],
  ["a connection that is cut is told plainly, and comes back by itself", () =>
    within(() => {}, async (page, w) => {
      const banner = page.locator("[data-banner=cut]");
      await page.locator("[data-connection=live]").waitFor();
      check((await banner.count()) === 0, "the banner is there before");
      w.live = false;
      w.sockets.at(-1).close({ code: 1001 });
      await banner.waitFor();
      const text = await banner.innerText();
      check(/Cut off from n1\. Last heard \d+\sms? ago|Cut off from n1\. Last heard \d+\ss ago/.test(text), `the banner says: ${text}`);
      check((await banner.getByRole("link", { name: "n2" }).count()) === 1, "no way to another node's page");
      await page.getByRole("status").getByText("Connection lost").waitFor({ state: "attached" });
      await page.waitForFunction(() => parseInt(document.querySelector("[data-heard]").textContent) >= 2);
      await sound(page, "cut off");
      w.live = true;
      await page.locator("[data-connection=live]").waitFor();
      await banner.waitFor({ state: "detached" });
    }, { size: phone })],
  ["a node that falls silent counts as cut off", () =>
    within(() => {}, async (page, w) => {
      await page.locator("[data-connection=live]").waitFor();
      w.live = false;
      w.silent = true;
      await page.locator("[data-banner=cut]").waitFor();
    })],
  ["nodes that do not answer, a lost quorum and an exchange that is not ready are told", () =>
    within((w) => {
      w.missing = ["n2"];
      w.cluster.quorum = false;
      w.status.exchange = { ...w.status.exchange, ready: false, error: "dial tcp: refused" };
    }, async (page, w) => {
      await page.locator("[data-banner=missing]").getByText("n2 does not answer.").waitFor();
      await page.locator("[data-banner=quorum]").waitFor();
      await page.locator("[data-banner=exchange]").getByText("dial tcp: refused").waitFor();
      await sound(page, "warnings");
      w.missing = [];
      w.cluster = { ...w.cluster, quorum: true };
      w.status = { ...w.status, exchange: { ...w.status.exchange, ready: true, error: "" } };
      tell(w);
      await until("no banner but one", async () => (await page.locator("[data-banner]").count()) === 1);
    })],
  ["a node that owns without a lease is told", () =>
    within(() => {}, async (page, w) => {
      await page.locator("[data-node=n2]").getByText(/^1\.[12]\ss$/).waitFor();
      w.status = { ...w.status, symbols: w.status.symbols.map((s) => (s.node === "n2" ? { ...s, lease_ms: undefined } : s)) };
      tell(w);
      await page.locator("[data-node=n2]").getByText("no lease").waitFor();
      check((await page.getByText("no lease").count()) === 1, "others are without one too");
    })],
  ["open access is told until one has seen it", () =>
    within(() => {}, async (page) => {
      await page.locator("[data-banner=open]").waitFor();
      await page.getByRole("button", { name: "Hide the note" }).click();
      await page.reload();
      await page.locator("[data-connection=live]").waitFor();
      check((await page.locator("[data-banner=open]").count()) === 0, "the banner is back");
    })],
  ["a symbol that moves is marked where it arrives", () =>
    within(() => {}, async (page, w) => {
      const chip = (name) => page.locator(`[data-node=${name}] [data-symbol=BTCUSDT]`);
      await chip("n1").waitFor();
      check(!(await chip("n1").getAttribute("class")).includes("fresh"), "marked without a move");
      w.symbols = w.symbols.map((s) => (s.symbol === "BTCUSDT" ? { ...s, node: "n3", epoch: 4 } : s));
      w.events = [{ time_us: Date.now() * 1000, kind: "owner", node: "n3", symbol: "BTCUSDT", text: "owned since epoch 4, before by n1" }];
      tell(w);
      await chip("n3").waitFor();
      await chip("n3").getByText("moved").waitFor();
      await page.getByRole("log").getByText("owned since epoch 4").waitFor();
    })],
  ["money is added exactly and shown with its signs", () =>
    within(() => {}, async (page) => {
      await page.locator(".figures").getByText("+0.30").waitFor(); // 0.1 + 0.2
      await page.goto(url + "#/symbols/XRPUSDT");
      await page.locator(".figures").getByText("+12\u202f345.68").waitFor();
      await page.locator(".figures").getByText("−3.50").waitFor();
    })],
  ["trades and orders that arrive are shown, and never go back", () =>
    within(() => {}, async (page, w) => {
      const trade = (id, price) => ({ ...w.trades[0], trade_id: id, price, trade_time: Date.now() * 1000 });
      await page.locator("[data-price='0.4323']").waitFor();
      say(w, { kind: "message", topic: "TRADE_EVENTS:XRPUSDT", data: trade(10, "0.4329") });
      await page.locator("[data-price='0.4329']").waitFor();
      const row = page.getByRole("row").filter({ hasText: "0.4310" }).filter({ has: page.getByText("filled") });
      check((await row.count()) === 0, "filled before its time");
      const fills = page.getByRole("table", { name: "Fills of our orders, the latest first" }).getByRole("row");
      await fills.filter({ hasText: "0.4315" }).waitFor();
      const filled = { ...w.orders[0], status: "FILLED", executed_quantity: "232.1", quote_quantity: "100.0351", fills: [{ ...w.fills[0], order_id: w.orders[0].order_id, trade_id: 10, price: "0.4310", time: Date.now() * 1000 }] };
      say(w, { kind: "message", topic: "ORDERS:XRPUSDT", data: filled });
      await row.waitFor();
      await until("the latest fill to be the first", async () => (await fills.nth(1).textContent()).includes("0.4310"));
      say(w, { kind: "message", topic: "ORDERS:XRPUSDT", data: w.orders[0] });
      say(w, { kind: "message", topic: "TRADE_EVENTS:XRPUSDT", data: trade(11, "0.4331") });
      await page.locator("[data-price='0.4331']").waitFor();
      check((await row.count()) === 1, "the order went back");
    }, { at: "#/symbols/XRPUSDT" })],
  ["a change is asked for, sent, and its refusal shown", () =>
    within(() => {}, async (page, w) => {
      await page.getByRole("button", { name: "Settings" }).click();
      const dialog = page.getByRole("dialog");
      const budget = dialog.getByLabel("Budget");
      await budget.fill("ten");
      check(await dialog.getByRole("button", { name: "Nothing changed" }).isDisabled(), "a budget of ten may be sent");
      await sound(page, "settings");
      await budget.fill("2500.50");
      await dialog.getByText("budget 1000 → 2500.50").waitFor();
      w.changes = () => [400, { error: "invalid settings: budget 2500.50: too much" }];
      await dialog.getByRole("button", { name: "Save 1 change" }).click();
      await dialog.getByRole("alert").getByText("too much").waitFor();
      w.changes = () => [200, {}];
      await dialog.getByRole("button", { name: "Save 1 change" }).click();
      await dialog.waitFor({ state: "detached" });
      const sent = JSON.stringify(w.changed.at(-1));
      check(sent === '["PATCH","/symbols/XRPUSDT",{"budget":"2500.50"}]', `sent ${sent}`);
    }, { at: "#/symbols/XRPUSDT", expected: [/400/] })],
  ["a drain shows what would move before it is done, and Escape leaves all as it is", () =>
    within((w) => {
      w.changes = () => [200, { moves: [{ symbol: "XRPUSDT", from: "n2", to: "n3" }] }];
    }, async (page, w) => {
      const drain = page.getByRole("button", { name: "Drain n2" });
      await drain.press("Enter");
      await page.getByRole("dialog").getByText("n2 → n3").waitFor();
      await sound(page, "drain");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      check(w.changed.every(([, , body]) => body.dry_run), `sent ${JSON.stringify(w.changed)}`);
      await until("the focus to be back", () => drain.evaluate((e) => e === document.activeElement));
      await drain.press("Enter");
      await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      const sent = JSON.stringify(w.changed.at(-1));
      check(sent === '["POST","/cluster/drain",{"node":"n2","dry_run":false}]', `sent ${sent}`);
    })],
  ["the browser's way back leaves an open dialog", () =>
    within(() => {}, async (page, w) => {
      await page.getByRole("link", { name: "Events", exact: true }).click();
      await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
      await page.getByRole("link", { name: "XRPUSDT" }).click();
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("dialog").waitFor();
      await page.goBack();
      await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      check(w.changed.length === 0, "something was changed");
    })],
  ["the keyboard alone leads everywhere, with the focus to be seen", () =>
    within(() => {}, async (page) => {
      await page.locator("[data-connection=live]").waitFor();
      await page.keyboard.press("Tab");
      const skip = page.getByText("Skip to the content");
      check(await skip.evaluate((e) => e === document.activeElement && e.getBoundingClientRect().left >= 0), "no link to the content comes first");
      await page.keyboard.press("Enter");
      check(await page.evaluate(() => document.activeElement.id === "main"), "the link does not lead to the content");
      const events = page.getByRole("link", { name: "Events", exact: true });
      await events.focus();
      check(await events.evaluate((e) => getComputedStyle(e).outlineStyle !== "none"), "the focus is not seen");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
      await until("the focus to follow", () => page.evaluate(() => document.activeElement.id === "main"));
      await until("the title to follow", async () => (await page.title()).startsWith("Events"));
    })],
  ["the look may be chosen and is kept", () =>
    within(() => {}, async (page) => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await background();
      await page.getByRole("button", { name: "Dark colours" }).click();
      const dark = await background();
      check(light !== dark, `${light} as before`);
      await page.reload();
      await page.getByRole("button", { name: "Light colours" }).waitFor();
      check((await background()) === dark, "not kept");
    })],
  ["a report is shown where it can reach nothing", () =>
    within((w) => {
      w.report = "<!doctype html><html lang=en><title>r</title><p id=out>?</p><script>try { parent.document.title; out.textContent = 'reached' } catch { out.textContent = 'kept out' }</script>";
    }, async (page) => {
      await page.frameLocator("iframe.report").getByText("kept out").waitFor();
    }, { at: "#/backtests/b1", expected: [/Blocked a frame|sandbox/] })],
  ["a new backtest is asked for with the symbol's settings", () =>
    within((w) => {
      w.changes = () => [202, { id: "b2" }];
    }, async (page, w) => {
      await page.getByRole("button", { name: "New backtest" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Symbol").fill("XRPUSDT");
      await dialog.getByLabel("From").fill("2026-01-02T03:04");
      await dialog.getByLabel("Until").fill("2026-01-03T03:04");
      await dialog.getByLabel("Positions at most").fill("3");
      await sound(page, "new backtest");
      await page.setViewportSize(phone);
      await sound(page, "new backtest on a phone");
      await dialog.getByRole("button", { name: "Run it" }).click();
      await dialog.waitFor({ state: "detached" });
      const [method, path, body] = w.changed.at(-1);
      check(method === "POST" && path === "/backtests" && body.symbol === "XRPUSDT" && body.to_us - body.from_us === 86_400e6, JSON.stringify(body));
      check(body.settings.chunks === 3 && body.settings.budget === "1000", JSON.stringify(body.settings));
    }, { at: "#/backtests" })],
], { independent: true });
await browser.close();
