// Drives the page of a real cluster:
//
//   node browser/cluster.mjs '{"nodes": {"n1": "http://…", …}, "off": "LTCUSDT", "takeover": 3000, "control": "http://…"}'
//
// The page is that of n1. off is a symbol that is not traded yet, all others are. takeover
// is how many milliseconds one may take on the page. control starts and kills nodes and
// makes tokens: POST /kill/NODE, /start/NODE, /token/ROLE.

import { check, desktop, launch, open, phone, run, sound, until } from "./lib.mjs";

const { nodes, off, takeover, control } = JSON.parse(process.argv[2]);
const url = nodes.n1 + "/";

const browser = await launch();
// What the browser itself says of requests that are to fail is expected.
const { page, complaints } = await open(browser, { url, expected: [/ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|ERR_EMPTY_RESPONSE|status of 40[01]|status of 503/] });

async function command(path) {
  const response = await fetch(control + path, { method: "POST" });
  const text = await response.text();
  check(response.ok, `${path}: ${text}`);
  return text;
}

/** The symbols that the page shows in a node's card. */
const symbolsOf = (name) => page.locator(`[data-node=${name}] [data-symbol]`).evaluateAll((all) => all.map((e) => e.dataset.symbol));
const cards = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll("[data-node]")].map((card) =>
  [card.dataset.node, [...card.querySelectorAll("[data-symbol]")].map((e) => e.dataset.symbol)])));
const go = async (hash) => page.goto(url + hash);
const dialog = page.getByRole("dialog");
const price = () => page.locator("[data-price]").getAttribute("data-price");
const answer = (path) => page.evaluate(async (p) => (await fetch("/api/v1" + p)).json(), path);
const others = Object.keys(nodes).filter((n) => n !== "n1");

let killed;
let tokens;

await run([
  ["the cluster is there, with who owns what", async () => {
    await go("#/");
    for (const n of Object.keys(nodes)) await page.locator(`[data-node=${n}]`).getByText("● alive").waitFor();
    await page.locator("[data-banner=open]").waitFor();
    const symbols = (await answer("/cluster/symbols")).map((s) => s.symbol).sort();
    await until("all symbols to be in a card", async () => Object.values(await cards()).flat().sort().join() === symbols.join());
    await page.locator(".figures").getByText("Profit, 24 hours").first().waitFor();
    await sound(page, "cluster");
  }],
  ["trades arrive as they happen, and candles, orders and positions are there", async () => {
    const [symbol] = await symbolsOf("n2"); // by way of another node
    await go(`#/symbols/${symbol}`);
    await page.locator(".chart canvas").first().waitFor();
    const seen = new Set();
    await until("five prices", async () => seen.add(await price()).size >= 6);
    await page.getByRole("table", { name: "Our orders, the latest first" }).getByRole("row").nth(1).waitFor();
    await page.getByRole("table", { name: "Positions" }).getByRole("row").nth(1).waitFor();
    for (const length of ["5m", "15m", "1h", "4h", "1d", "1m"]) await page.getByText(length, { exact: true }).click();
    await sound(page, "symbol");
  }],
  ["a symbol is found and traded from now on", async () => {
    await go("#/symbols");
    await page.getByRole("searchbox").fill(off.toLowerCase());
    await page.getByRole("button", { name: `Start trading ${off}` }).click();
    await dialog.getByText("It can lose money").waitFor();
    await dialog.getByRole("button", { name: "Start trading" }).click();
    await page.getByRole("status").getByText(`${off} is traded from now on`).waitFor();
    await page.getByRole("link", { name: off }).click();
    await page.getByRole("button", { name: "Shut down" }).waitFor();
    await page.getByRole("table", { name: "Positions" }).getByText(/buying|selling/).first().waitFor();
    await until("the node to know", async () => (await answer(`/symbols/${off}`)).trading.status === "on");
  }],
  ["a setting is changed", async () => {
    await page.getByRole("button", { name: "Settings" }).click();
    await dialog.getByLabel("Budget").fill("1500.5");
    await dialog.getByRole("button", { name: "Save 1 change" }).click();
    await dialog.waitFor({ state: "detached" });
    await until("the node to have the budget", async () => (await answer(`/symbols/${off}`)).trading.budget === "1500.5");
    await page.getByRole("button", { name: "Settings" }).click();
    await dialog.getByLabel("Budget").fill("-1");
    await dialog.getByRole("button", { name: "Save 1 change" }).click();
    await dialog.getByRole("alert").getByText("budget -1: want more than 0").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  }],
  ["trading is shut down", async () => {
    await page.getByRole("button", { name: "Shut down" }).click();
    await dialog.getByRole("button", { name: "Shut down" }).click();
    await dialog.waitFor({ state: "detached" });
    await until("trading to be shut down or off", async () => (await answer(`/symbols/${off}`)).trading.status !== "on");
    await page.getByText(/shutting down|Start trading/).first().waitFor();
  }],
  ["the symbols of a killed node move in time", async () => {
    await go("#/");
    killed = others.find((n) => n !== "n1");
    await until("the node to own something", async () => (await symbolsOf(killed)).length > 0);
    const theirs = await symbolsOf(killed);
    const start = Date.now();
    await command(`/kill/${killed}`);
    const moved = async () => {
      const at = await cards();
      const alive = Object.entries(at).filter(([n]) => n !== killed).flatMap(([, s]) => s);
      return theirs.every((s) => alive.includes(s));
    };
    await until("its symbols to be elsewhere", moved);
    const took = Date.now() - start;
    console.log(`the ${theirs.length} symbols of ${killed} were elsewhere on the page after ${took} ms`);
    check(took <= takeover, `that took ${took} ms, want at most ${takeover}`);
    await page.locator(".chip.fresh").first().waitFor();
    await page.locator(`[data-node=${killed}]`).getByText("✕ failed").waitFor();
    await page.getByRole("log").getByText(`before by ${killed}`).first().waitFor();
    await sound(page, "a node is dead");
  }],
  ["it comes back", async () => {
    await command(`/start/${killed}`);
    await page.locator(`[data-node=${killed}]`).getByText("● alive").waitFor();
  }],
  ["a node is drained and undrained", async () => {
    const drained = others.find((n) => n !== killed);
    await page.getByRole("button", { name: `Drain ${drained}` }).click();
    await dialog.getByRole("button", { name: "Drain" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.locator(`[data-node=${drained}]`).getByText("draining").waitFor();
    await until("the node to be empty", async () => (await symbolsOf(drained)).length === 0);
    await page.getByRole("button", { name: `Undrain ${drained}` }).click();
    await dialog.getByRole("button", { name: "Undrain" }).click();
    await page.getByRole("button", { name: `Drain ${drained}` }).waitFor();
  }],
  ["a symbol is moved and pinned", async () => {
    const [symbol] = await symbolsOf("n1");
    await page.getByRole("button", { name: `Move ${symbol}` }).click();
    await dialog.getByLabel("Node").selectOption(killed);
    await dialog.getByText("Pin it there").click();
    await dialog.getByRole("button", { name: "Move" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.locator(`[data-node=${killed}] [data-symbol=${symbol}]`).getByText("pinned").waitFor();
  }],
  ["what has happened is in the log", async () => {
    await go("#/events");
    await page.getByRole("searchbox").fill("failed");
    await page.getByRole("row").filter({ hasText: `${killed} is failed` }).waitFor();
    await sound(page, "events");
  }],
  ["a backtest runs and its report is shown", async () => {
    await go("#/backtests");
    await page.getByRole("button", { name: "New backtest" }).click();
    await dialog.getByLabel("From").fill("");
    await dialog.getByLabel("Until").fill("");
    await dialog.getByText("have holes").click();
    const symbol = (await answer("/cluster/symbols")).find((s) => s.node === "n1").symbol;
    await dialog.getByLabel("Symbol").fill(symbol);
    await dialog.getByRole("button", { name: "Run it" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("table", { name: "Backtests" }).getByRole("link", { name: symbol }).click();
    await page.frameLocator("iframe.report").getByRole("heading").first().waitFor();
    await sound(page, "backtest");
  }],
  ["all views fit a phone", async () => {
    await page.setViewportSize(phone);
    for (const hash of ["#/", "#/symbols", `#/symbols/${off}`, "#/events", "#/backtests"]) {
      await go(hash);
      await page.locator("[data-connection=live]").waitFor();
      await sound(page, `${hash} on a phone`);
    }
    await page.setViewportSize(desktop);
  }],
  ["the first token closes the door: the page asks for one", async () => {
    await go("#/");
    tokens = { admin: await command("/token/admin") };
    const field = page.getByLabel("Token");
    await field.waitFor();
    await sound(page, "login");
    await field.fill("hh_" + "0".repeat(43));
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").waitFor();
    check((await page.locator("[data-node]").count()) === 0, "the cluster is shown to a wrong token");
    await field.fill(tokens.admin);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator("[data-node=n1]").waitFor();
    check(await page.getByRole("button", { name: "Drain n1" }).isEnabled(), "an admin may not drain");
    check((await page.evaluate(() => document.cookie)) === "", "scripts may read the cookie");
  }],
  ["a reader may look, and no more", async () => {
    const second = await open(browser, { url, expected: [/status of 40[13]/] });
    await second.page.goto(url + `#/symbols/${off}`);
    await second.page.getByLabel("Token").fill(await command("/token/read"));
    await second.page.getByRole("button", { name: "Log in" }).click();
    const settings = second.page.getByRole("button", { name: "Settings" });
    await settings.waitFor();
    check(await settings.isDisabled(), "a reader may change settings");
    const status = await second.page.evaluate(async (p) => (await fetch(p, { method: "PATCH", body: '{"chunks":3}', headers: { "Content-Type": "application/json" } })).status, `/api/v1/symbols/${off}`);
    check(status === 403, `the node answers ${status} to a reader's change`);
    await command("/revoke/read");
    await second.page.getByLabel("Token").waitFor();
    check(second.complaints.length === 0, `complaints: ${second.complaints.join("\n")}`);
    await second.context.close();
  }],
  ["the page tells when its own node is dead, and goes on when it is back", async () => {
    await command("/kill/n1");
    await page.locator("[data-banner=cut]").waitFor();
    check((await page.locator("[data-banner=cut]").getByRole("link").count()) > 0, "no way to the page of another node");
    await command("/start/n1");
    // Its sessions have ended with it.
    const field = page.getByLabel("Token");
    await field.waitFor();
    await field.fill(tokens.admin);
    await field.press("Enter");
    await page.locator("[data-connection=live]").waitFor();
    await page.locator("[data-node=n1]").getByText("● alive").waitFor();
  }],
  ["nothing was complained of", async () => check(complaints.length === 0, complaints.join("\n"))],
]);
await browser.close();
