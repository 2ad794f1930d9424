// What arrives by itself: in one tab, in more tabs than a browser opens connections, and when the
// stream comes late.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE } from "./plans";

test.describe.configure({ mode: "serial" });

const LONG = { timeout: 90_000 };
const TABS = 8;

let dashboard: Dashboard;
let context: BrowserContext;
let page: Page;
let room: string;

const signal = join(mkdtempSync(join(tmpdir(), "ostwin-signal-")), "go");
const isStream = (address: string) => new URL(address).pathname === "/api/stream";
const said = (tab: Page, words: string) =>
  tab.getByRole("log", { name: "Messages" }).getByText(words, { exact: true });
const connection = (tab: Page) =>
  tab.getByRole("navigation", { name: "Main" }).locator(".connection");
const toast = (tab: Page, words: string) => tab.locator(".toast", { hasText: words });
const say = (body: string) =>
  dashboard.ask(page, "POST", `/rooms/${room}/channel`, { kind: "message", body });

async function opened(path: string): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(`${dashboard.url}${path}`);
  return tab;
}

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({
    pace: 0.1,
    config: { approvals: { mode: "ask" } },
    rules: [
      {
        when: { role: ["engineer"] },
        before_verdict: [
          { do: "await_file", path: signal },
          { do: "ask_permission", title: "Print the list", command: "lp list.md" },
        ],
      },
    ],
  });
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(dashboard.link);
  const markdown = ONE("Letters", "Whoever writes gets an answer.");
  const made = await dashboard.ask(page, "POST", "/plans", { markdown });
  const { plan_id } = made as { plan_id: string };
  await dashboard.ask(page, "POST", `/plans/${plan_id}/run`, {});
  await page.goto(`${dashboard.url}/rooms`);
  const card = page.locator(".room-card").getByRole("link", { name: "Letters" });
  await expect(card).toBeVisible(LONG);
  room = (await card.getAttribute("href"))?.match(/room-\d+/)?.[0] ?? "";
});

test.afterAll(async () => {
  await context.close();
  await dashboard.down();
});

test("what grows is seen to grow while a session works", async () => {
  const seconds = async (tab: Page, place: string) => {
    const words = await tab.locator(place).innerText();
    const [, minutes = "0", rest = "0"] = /(?:(\d+) min ?)?(?:(\d+) s)?/.exec(words) ?? [];
    return Number(minutes) * 60 + Number(rest);
  };
  const places = [
    ["/rooms", ".room-card .spread .num"],
    [`/rooms/${room}`, ".facts div:has(dt:text-is('Time')) dd"],
    ["/plans", ".facts div:has(dt:text-is('Running for')) dd"],
  ] as const;
  for (const [path, place] of places) {
    await page.goto(`${dashboard.url}${path}`);
    await expect(page.locator(place)).toBeVisible();
    const before = await seconds(page, place);
    await expect.poll(() => seconds(page, place)).toBeGreaterThan(before + 1);
  }
});

test("a message that is posted before the stream is there is shown", async () => {
  const tab = await context.newPage();
  // No other tab reads the stream for this one.
  await page.goto("about:blank");
  let open = () => {};
  const late = new Promise<void>((resolve) => (open = resolve));
  await tab.route(
    ({ href }) => isStream(href),
    async (route) => {
      await late;
      await route.continue();
    },
  );
  await tab.goto(`${dashboard.url}/rooms/${room}`);
  await expect(tab.getByRole("textbox", { name: "Message to the room" })).toBeVisible();
  await expect(tab.getByText("Nobody has said anything yet")).toBeVisible();
  await expect(connection(tab)).toHaveText("Connecting");
  await say("Said too early");
  open();
  await expect(connection(tab)).toHaveText("Live");
  await expect(said(tab, "Said too early")).toBeVisible();
  await tab.close();
});

test("eight tabs share one stream, and go on when the one that reads it is closed", async () => {
  let streams = 0;
  context.on("request", (request) => {
    if (isStream(request.url())) streams += 1;
  });
  const tabs: Page[] = [];
  for (let tab = 0; tab < TABS; tab += 1) {
    tabs.push(await opened(`/rooms/${room}`));
  }
  for (const tab of tabs) {
    await expect(said(tab, "Said too early")).toBeVisible();
    await expect(connection(tab)).toHaveText("Live");
  }
  expect(streams).toBe(1);
  await say("To all of you");
  for (const tab of tabs) await expect(said(tab, "To all of you")).toBeVisible();

  for (let gone = 1; gone <= 2; gone += 1) {
    const words = `After ${gone} of you left`;
    await tabs.shift()?.close();
    // A page that is being closed may read for a moment longer.
    await expect.poll(() => streams).toBe(1 + gone);
    await say(words);
    for (const tab of tabs) {
      await expect(said(tab, words)).toBeVisible();
      await expect(connection(tab)).toHaveText("Live");
    }
    expect(streams).toBe(1 + gone);
  }

  await dashboard.kill();
  for (const tab of tabs) await expect(connection(tab)).toHaveText("Reconnecting");
  await dashboard.up();
  for (const tab of tabs) await expect(connection(tab)).toHaveText("Live", LONG);
  await say("Here again");
  for (const tab of tabs) await expect(said(tab, "Here again")).toBeVisible();
  for (const tab of tabs) await tab.close();
});

test("a permission and the end are told everywhere, and the figures follow", async () => {
  const stats = await opened("/stats");
  await page.goto(`${dashboard.url}/inbox`);
  await expect(connection(page)).toHaveText("Live");
  const passed = stats.locator(".figures").getByText("Passed", { exact: true }).locator("..");
  await expect(passed).toContainText("0");
  writeFileSync(signal, "");
  for (const tab of [page, stats]) {
    await expect(toast(tab, "EPIC-001 asks for a permission")).toBeVisible(LONG);
  }
  await page.getByRole("button", { name: "Approve" }).click();
  for (const tab of [page, stats]) {
    await expect(toast(tab, "The plan “Letters” has ended")).toBeVisible(LONG);
    await expect(toast(tab, "asks")).toHaveCount(1);
  }
  await expect(passed).toContainText("1");
  await stats.close();
});
