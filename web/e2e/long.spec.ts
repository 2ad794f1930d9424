// What is long is read and drawn in parts: a session of sixteen thousand steps, six hundred
// artifacts, a thousand epics.

import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE } from "./plans";

test.describe.configure({ mode: "serial" });

const STEPS = 16_000;
const FILES = 600;
/** Steps that are drawn at once, however many there are. */
const DRAWN = 80;

const folder = mkdtempSync(join(tmpdir(), "ostwin-long-"));
const gate = join(folder, "gate");

let dashboard: Dashboard;
let page: Page;
let room = "";

const log = () => page.getByRole("log", { name: "Steps of the session" });
const steps = () => log().locator(".step");
const step = (number: number) => log().getByText(`Step ${number}.`, { exact: true });

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({
    plan: ONE("Long work", "There is much to read."),
    pace: 0.1,
    rules: [{ when: { role: ["engineer"] }, before_verdict: [{ do: "await_file", path: gate }] }],
  });
  page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.link);
  dashboard.ostwin("run", "PLAN.md", "--detach");
  await page.getByRole("link", { name: "Long work", exact: true }).click();
  await expect(page.locator('[data-epic="EPIC-001"]')).toHaveAttribute("data-tone", "active");
  room = dashboard.path(".agents/war-rooms/room-001");
});

test.afterAll(async () => {
  await page.close();
  await dashboard.down();
});

test("a running session is shown from its end, and followed", async () => {
  const transcript = () =>
    readdirSync(room, { recursive: true, encoding: "utf8" }).find((path) =>
      path.endsWith("transcript.jsonl"),
    );
  await expect.poll(transcript).toBeDefined();
  const file = join(room, transcript() ?? "");
  const ts = new Date().toISOString();
  const line = (number: number) =>
    `${JSON.stringify({ v: 1, ts, type: "notice", severity: "warning", text: `Step ${number}.` })}\n`;
  const said = readFileSync(file, "utf8");
  expect(said).not.toBe("");
  appendFileSync(file, Array.from({ length: STEPS }, (_, index) => line(index + 1)).join(""));
  await page.goto(`${dashboard.url}/rooms/room-001?tab=sessions`);
  await expect(step(STEPS)).toBeVisible();
  expect(await steps().count()).toBeLessThan(DRAWN);
  appendFileSync(file, line(STEPS + 1));
  await expect(step(STEPS + 1)).toBeInViewport();
});

test("its older steps come as one scrolls up, and its first is one key away", async () => {
  const height = () => log().evaluate((box) => box.scrollHeight);
  const before = await height();
  await log().evaluate((box) => box.scrollTo(0, 0));
  await expect.poll(height).toBeGreaterThan(before);
  expect(await steps().count()).toBeLessThan(DRAWN);
  await page.keyboard.press("Home");
  await expect(step(1)).toBeVisible();
  expect(await steps().count()).toBeLessThan(DRAWN);
  await page.keyboard.press("End");
  await expect(step(STEPS + 1)).toBeInViewport();
});

test("artifacts behind the first part are listed and shown, and a missing one is said to be", async () => {
  const artifacts = join(room, "artifacts");
  mkdirSync(artifacts, { recursive: true });
  for (let number = 1; number <= FILES; number += 1) {
    writeFileSync(join(artifacts, `part-${String(number).padStart(3, "0")}.txt`), `${number}`);
  }
  const of = `${dashboard.url}/rooms/room-001?tab=artifacts`;
  const list = page.getByRole("list", { name: "Artifacts" });
  const last = `part-${FILES}.txt`;
  await page.goto(`${of}&artifact=${last}`);
  await expect(page.locator(`.card[aria-label="${last}"]`)).toContainText("600");
  await expect(list.getByRole("button", { name: last })).toHaveCount(0);
  await list.getByRole("button", { name: "More" }).click();
  await expect(list.getByRole("button", { name: last })).toBeVisible();
  await page.goto(`${of}&artifact=zz.md`);
  await expect(page.getByText("There is no such artifact")).toBeVisible();
});

test("a graph of a thousand epics is drawn", async () => {
  const epics = Array.from({ length: 1_000 }, (_, index) => {
    const id = (number: number) => `EPIC-${String(number).padStart(4, "0")}`;
    const after = index < 50 ? "" : id(index - 49);
    return `
## ${id(index + 1)}: Part ${index + 1}

- Roles: engineer, qa
- depends_on: [${after}]

### Definition of Done

- [ ] It is there

### Acceptance Criteria

- [ ] Somebody saw it
`;
  });
  const markdown = `# Plan: A thousand parts\n\n## Goal\n\nAll parts.\n${epics.join("")}`;
  const made = await dashboard.ask(page, "POST", "/plans", { markdown });
  await page.goto(`${dashboard.url}/plans/${(made as { plan_id: string }).plan_id}`);
  await expect(page.locator('[data-epic="EPIC-0001"]')).toBeVisible();
});
