// A plan that has run before: it goes on, runs again, or takes an edit, with a word about what has
// begun.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test, type Browser, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE, PAIR } from "./plans";

const LONG = { timeout: 90_000 };

let dashboard: Dashboard;
let page: Page;

const dialog = () => page.getByRole("dialog");
const button = (name: string) => page.getByRole("button", { name, exact: true });
const node = (epic: string) => page.locator(`[data-epic="${epic}"]`);
const state = (word: string) => page.locator(".page-head").getByText(word, { exact: true });

/** What the dialog offers; the plan's button is called `open`. */
async function offered(open: string, ...labels: string[]): Promise<void> {
  await button(open).click();
  const choices = dialog().getByRole("group", { name: "What to do" }).getByRole("radio");
  await expect(choices).toHaveCount(labels.length);
  for (const [index, label] of labels.entries()) {
    await expect(choices.nth(index)).toHaveAccessibleName(new RegExp(`^${label}`));
  }
  await expect(choices.first()).toBeChecked();
}

async function begin(browser: Browser, options: Parameters<typeof Dashboard.start>[0]) {
  dashboard = await Dashboard.start(options);
  page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.link);
}

test.afterEach(async () => {
  await page.close();
  await dashboard.down();
});

test("a plan that was stopped goes on, runs again as another one, and is removed", async ({
  browser,
}) => {
  await begin(browser, {
    pace: 0.1,
    rules: [
      {
        when: { role: ["engineer"] },
        before_verdict: [{ do: "await_file", path: "/nowhere/but/here" }],
      },
    ],
  });
  const script = JSON.parse(readFileSync(dashboard.path("script.json"), "utf8")) as object;
  const made = await dashboard.ask(page, "POST", "/plans", { markdown: ONE("Loaves", "Bread.") });
  const { plan_id } = made as { plan_id: string };
  await dashboard.ask(page, "POST", `/plans/${plan_id}/run`, {});
  await page.goto(`${dashboard.url}/plans/${plan_id}`);
  await expect(node("EPIC-001")).toHaveAttribute("data-tone", "active", LONG);
  await page.getByRole("button", { name: "More actions: Loaves" }).click();
  await page.getByRole("menuitem", { name: "Stop the run" }).click();
  await button("Stop").click();
  await expect(state("stopped")).toBeVisible(LONG);

  // The next session finds another script and waits for nothing.
  writeFileSync(dashboard.path("script.json"), JSON.stringify({ ...script, rules: [] }));
  // It comes from no file, and its review has nothing to say about what runs.
  await offered("Go on", "Go on", "Run again from the beginning");
  await expect(dialog().getByLabel("Review of the plan")).toBeHidden();
  await dialog().getByRole("button", { name: "Go on" }).click();
  await expect(state("finished")).toBeVisible(LONG);

  await button("Run again").click();
  await expect(dialog()).toContainText("This plan and its rooms stay as they are");
  await expect(dialog().getByRole("radio")).toHaveCount(0);
  await dialog().getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(plan_id));
  await expect(page.getByRole("heading", { name: "Loaves", level: 1 })).toBeVisible();
  await expect(state("finished")).toBeVisible(LONG);

  await page.goto(`${dashboard.url}/plans/${plan_id}`);
  await expect(state("finished")).toBeVisible();
  await page.getByRole("button", { name: "More actions: Loaves" }).click();
  await page.getByRole("menuitem", { name: "Remove the plan" }).click();
  await button("Remove").click();
  await expect(page.getByRole("heading", { name: "Plans", level: 1 })).toBeVisible();
  await expect(page.locator(".plan-item")).toHaveCount(1);
  expect(existsSync(dashboard.path(`.agents/plans/${plan_id}`))).toBe(false);
});

test("a file that was edited is taken: what has begun is kept, or started over", async ({
  browser,
}) => {
  await begin(browser, { plan: PAIR, pace: 0.1 });
  dashboard.ostwin("run", "PLAN.md");
  await page.locator(".plan-item").getByRole("link", { name: "Letters" }).click();
  await expect(state("finished")).toBeVisible();
  const edit = (from: string, to: string) => {
    const file = dashboard.path("PLAN.md");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(from, to));
  };
  const take = async (answer: string) => {
    await offered("Run again", "Take the text of its file first", "Run again from");
    const go_on = dialog().getByRole("button", { name: "Go on" });
    await expect(go_on).toBeDisabled();
    await dialog().getByRole("radio", { name: answer }).check();
    await go_on.click();
    await expect(dialog()).toBeHidden();
  };
  const board = () =>
    JSON.parse(dashboard.ostwin("status", "--json")) as {
      engine: { alive: boolean };
      rows: { attempt: number }[];
    };
  /** How many sessions each epic had, once the run is over. */
  const sessions = async () => {
    await expect.poll(() => board().engine.alive, LONG).toBe(false);
    return board().rows.map(({ attempt }) => attempt);
  };
  const [box = 0, answers = 0] = await sessions();

  // The graph shows the new text without being loaded again.
  edit("Answers", "Answers in a day");
  await take("Keep them as they are");
  await expect(node("EPIC-002")).toContainText("Answers in a day");
  expect(await sessions()).toEqual([box, answers]);

  edit("Answers in a day", "Answers in an hour");
  await take("Start them over");
  await expect(node("EPIC-002")).toContainText("Answers in an hour");
  const after = await sessions();
  expect(after[0]).toBe(box);
  expect(after[1]).toBeGreaterThan(answers);
  await expect(state("finished")).toBeVisible();
});

test("a text that is edited in the browser is saved with the same word, and then taken", async ({
  browser,
}) => {
  await begin(browser, { plan: PAIR, pace: 0.1 });
  dashboard.ostwin("run", "PLAN.md");
  await page.locator(".plan-item").getByRole("link", { name: "Letters" }).click();
  await page.getByRole("link", { name: "Text" }).click();
  await button("Edit").click();
  const editor = page.getByRole("textbox", { name: "The plan's text" });
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(PAIR.replaceAll("Letter box", "Two letter boxes"));
  await button("Save revision").click();
  await expect(dialog()).toContainText("EPIC-001");
  const save = dialog().getByRole("button", { name: "Save revision" });
  await expect(save).toBeDisabled();
  await dialog().getByRole("radio", { name: "Start them over" }).check();
  await save.click();
  await expect(page.getByText("The next run takes the new text.")).toBeVisible();
  await page.getByRole("link", { name: "Graph" }).click();

  // Its own text is newer than the last run; its file has the old one.
  await offered("Run again", "Go on", "Take the text of its file first", "Run again from");
  await expect(dialog()).toContainText("saved since the last run");
  await dialog().getByRole("button", { name: "Go on" }).click();
  await expect(node("EPIC-001")).toContainText("Two letter boxes", LONG);
  await expect(state("finished")).toBeVisible(LONG);
});
