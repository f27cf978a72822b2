// Makes pictures of every view of a real cluster's page, at desktop and phone width, light
// and dark, into the directory PICTURES:
//
//   node browser/screenshots.mjs '{"nodes": {"n1": "http://…"}, "control": "http://…"}'
//
// Without control, pictures that need a node killed or a token made are left out.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { desktop, launch, open, phone, until } from "./lib.mjs";

const { nodes, control } = JSON.parse(process.argv[2]);
const into = process.env.PICTURES;
const url = nodes.n1 + "/";
mkdirSync(into, { recursive: true });
const browser = await launch();

const windows = [];
for (const [width, size] of Object.entries({ desktop, phone })) {
  for (const look of ["light", "dark"]) windows.push({ name: `${width}-${look}`, ...(await open(browser, { url, size, look })) });
}

/** Has every window go somewhere and do something, and takes a picture of each. */
async function picture(name, hash, prepare = async () => {}, options = {}) {
  for (const w of windows) {
    await w.page.goto(url + hash);
    await prepare(w.page);
    await w.page.evaluate(() => document.fonts.ready);
    await w.page.screenshot({ path: join(into, `${name}-${w.name}.png`), ...options });
    console.log(`${name}-${w.name}.png`);
  }
}

const command = async (path) => (await fetch(control + path, { method: "POST" })).text();
const hide = async (page) => {
  const button = page.getByRole("button", { name: "Hide the note" });
  await page.locator("[data-connection=live]").waitFor();
  if (await button.isVisible()) await button.click();
};
const dialog = (page) => page.getByRole("dialog");

await windows[0].page.goto(url);
// One that this node has stored trades of.
const { symbol } = (await windows[0].page.evaluate(async () => (await fetch("/api/v1/cluster/symbols")).json())).find((s) => s.node === "n1");
const whole = { fullPage: true };

await picture("open", "#/", (page) => page.locator("[data-node=n1]").waitFor());
await picture("cluster", "#/", async (page) => {
  await hide(page);
  await page.locator(".figures").getByText("Profit, 24 hours").first().waitFor();
}, whole);
await picture("symbol", `#/symbols/${symbol}`, async (page) => {
  await page.locator(".chart canvas").first().waitFor();
  await page.locator(".figures").waitFor();
  await until("trades", async () => (await page.getByRole("table", { name: "The latest trades" }).getByRole("row").count()) > 15);
});
await picture("symbol-all", `#/symbols/${symbol}`, (page) => page.getByRole("table", { name: "Our orders, the latest first" }).waitFor(), whole);
await picture("settings", `#/symbols/${symbol}`, async (page) => {
  await page.getByRole("button", { name: "Settings" }).click();
  await dialog(page).getByLabel("Budget").fill("2500");
});
await picture("symbols", "#/symbols", (page) => page.getByRole("table").waitFor());
await picture("events", "#/events", (page) => page.getByRole("table").waitFor());
await picture("new-backtest", "#/backtests", async (page) => {
  await page.getByRole("button", { name: "New backtest" }).click();
  await dialog(page).getByLabel("Symbol").fill(symbol);
  await dialog(page).getByLabel("Budget").waitFor();
});
for (const w of windows.slice(1)) await w.page.getByRole("button", { name: "Cancel" }).click();
await windows[0].page.getByText("have holes").click();
await windows[0].page.getByLabel("From").fill("");
await windows[0].page.getByLabel("Until").fill("");
await windows[0].page.getByRole("button", { name: "Run it" }).click();
const done = (page) => page.getByRole("table", { name: "Backtests" }).getByRole("link", { name: symbol }).first();
await picture("backtests", "#/backtests", (page) => done(page).waitFor());
await picture("backtest", "#/backtests", async (page) => {
  await done(page).click();
  await page.frameLocator("iframe.report").getByRole("heading").first().waitFor();
});
await picture("drain", "#/", async (page) => {
  await page.getByRole("button", { name: "Drain n3" }).click();
  await dialog(page).getByRole("list", { name: "What would move" }).waitFor();
});
if (control) {
  for (const w of windows) {
    await w.page.getByRole("button", { name: "Cancel" }).click();
    await w.page.locator("[data-node=n2] [data-symbol]").first().waitFor();
  }
  await command("/kill/n2");
  for (const w of windows) {
    await until("the takeover", async () => (await w.page.locator("[data-node=n2] [data-symbol]").count()) === 0);
    await w.page.screenshot({ path: join(into, `takeover-${w.name}.png`) });
  }
  await command("/start/n2");
  for (const w of windows) {
    await w.page.goto(url + "#/");
    await w.page.locator("[data-node=n1]").waitFor();
  }
  await command("/kill/n1");
  for (const w of windows) {
    await w.page.waitForFunction(() => parseInt(document.querySelector("[data-heard]")?.textContent) >= 3);
    await w.page.screenshot({ path: join(into, `cut-${w.name}.png`) });
  }
  await command("/start/n1");
  await command("/token/admin");
  await picture("login", "#/", (page) => page.getByLabel("Token").waitFor());
}
await browser.close();
