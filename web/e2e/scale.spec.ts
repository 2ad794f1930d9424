// A large team: fifty rooms of two hundred messages, and one room with a hundred thousand. What is
// asserted is how much the page holds, never how long anything took; set OSTWIN_TIMES to see that.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";

const BINARIES = resolve(process.env["OSTWIN_BIN_DIR"] ?? "../target/debug");
const MESSAGES = 100_000;
/** Elements of a page, whatever it shows. */
const ELEMENTS = 6_000;
/** Messages that are drawn at once, however many there are. */
const DRAWN = 60;

test.describe.configure({ mode: "serial" });

let dashboard: Dashboard;
let page: Page;

const tasks = () =>
  page.evaluate(() => {
    const found = (window as unknown as { longTasks: number[] }).longTasks.splice(0);
    return found.map(Math.round);
  });

/** Tells how long something took, for whoever wants to know. */
async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  if (!process.env["OSTWIN_TIMES"]) return;
  const took = Math.round(performance.now() - began);
  process.stdout.write(
    `${what}: ${took} ms; tasks over 50 ms: ${(await tasks()).join(", ") || "none"}\n`,
  );
}

const elements = () => page.evaluate(() => document.querySelectorAll("*").length);
const log = () => page.getByRole("log", { name: "Messages" });
const messages = () => log().getByRole("article");
const seq = (number: number) =>
  log().locator(".message-seq", { hasText: new RegExp(`^#${number}$`) });

/** How many messages of the channel the page has read. */
const height = () => log().evaluate((box) => box.scrollHeight);

/** The number of the message that stands a third down the box. */
const read = () =>
  log().evaluate((box) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    const found = document.elementFromPoint(left + width / 2, top + height / 3);
    const said = found?.closest(".timeline-item")?.querySelector(".message-seq")?.textContent;
    return Number(said?.slice(1) ?? 0);
  });

/** Turns the wheel down, a frame for each turn. */
async function scroll(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await page.mouse.wheel(0, 900);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
    expect(await messages().count()).toBeLessThan(DRAWN);
  }
}

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({});
  // So many messages at once are no news: they are there when it starts.
  await dashboard.kill();
  const program = join(BINARIES, "ostwin-benches");
  const made = spawnSync(program, ["project", dashboard.dir, String(MESSAGES)], {
    encoding: "utf8",
  });
  expect(made.status, made.stderr).toBe(0);
  await dashboard.up();
  page = await (await browser.newContext()).newPage();
  await page.addInitScript(() => {
    const found: number[] = [];
    Object.assign(window, { longTasks: found });
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) found.push(task.duration);
    }).observe({ type: "longtask" });
  });
  await page.goto(dashboard.link);
});

test.afterAll(async () => {
  await page.close();
  await dashboard.down();
});

test("fifty rooms at work are on one page", async () => {
  await timed("the rooms", async () => {
    await page.goto(`${dashboard.url}/rooms`);
    await expect(page.locator(".room-card")).toHaveCount(50);
  });
  expect(await elements()).toBeLessThan(ELEMENTS);
});

test("a room of two hundred messages shows the newest, and the first from there", async () => {
  await timed("a room of 200", async () => {
    await page.goto(`${dashboard.url}/rooms/room-007`);
    await expect(messages().last()).toBeVisible();
  });
  expect(await messages().count()).toBeLessThan(DRAWN);
  await log().focus();
  await page.keyboard.press("Home");
  await expect(seq(1)).toBeVisible();
  expect(await messages().count()).toBeLessThan(DRAWN);
});

test("a room of a hundred thousand messages opens at its end", async () => {
  await timed("a room of 100,000", async () => {
    await page.goto(`${dashboard.url}/rooms/room-050`);
    await expect(messages().last()).toBeVisible();
  });
  const last = await messages().last().locator(".message-seq").textContent();
  expect(Number(last?.slice(1))).toBeGreaterThan(MESSAGES);
  expect(await messages().count()).toBeLessThan(DRAWN);
  expect(await elements()).toBeLessThan(ELEMENTS);
});

test("older messages come in pages, and only what is seen is drawn", async () => {
  await log().hover();
  for (let part = 1; part <= 3; part += 1) {
    const before = await height();
    let reading = 0;
    await timed(`older messages, part ${part}`, async () => {
      await log().evaluate((box) => box.scrollTo(0, 0));
      await expect.poll(read).toBeGreaterThan(0);
      reading = await read();
      await expect.poll(height).toBeGreaterThan(before);
    });
    await expect(seq(reading)).toBeInViewport();
    expect(await messages().count()).toBeLessThan(DRAWN);
  }
  await timed("scrolling", () => scroll(40));
  expect(await elements()).toBeLessThan(ELEMENTS);
});

test("the first message is one key away, and the channel is read on from there", async () => {
  await timed("to the first message", async () => {
    await page.keyboard.press("Home");
    await expect(seq(1)).toBeVisible();
  });
  const before = await height();
  await scroll(80);
  expect(await height()).toBeGreaterThan(before);
  expect(await messages().count()).toBeLessThan(DRAWN);
  expect(await elements()).toBeLessThan(ELEMENTS);
  await timed("back to the newest", async () => {
    await page.keyboard.press("End");
    await expect(messages().last().locator(".message-seq")).toHaveText(/^#100\d{3}$/);
  });
});

test("a message arrives while the page is open", async () => {
  await timed("a new message", async () => {
    const said = await page.request.post(`${dashboard.url}/api/rooms/room-050/channel`, {
      data: { kind: "message", body: "Is anybody still reading?" },
      headers: { origin: dashboard.url },
    });
    expect(said.ok()).toBe(true);
    await expect(log().getByText("Is anybody still reading?")).toBeVisible();
  });
  expect(await messages().count()).toBeLessThan(DRAWN);
});
