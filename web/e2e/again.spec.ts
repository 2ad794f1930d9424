// A plan that has run before: it goes on, runs again, or takes an edit, with a word about what has
// begun.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test, type Browser, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE, PAIR } from "./plans";

const LONG = { timeout: 90_000 };

const dialogOf = (page: Page) => page.getByRole("dialog");
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const node = (page: Page, epic: string) => page.locator(`[data-epic="${epic}"]`);
const state = (page: Page, word: string) =>
  page.locator(".page-head").getByText(word, { exact: true });

/** What the dialog offers; the plan's button is called `open`. */
async function offered(page: Page, open: string, ...labels: string[]): Promise<void> {
  await button(page, open).click();
  const choices = dialogOf(page).getByRole("group", { name: "What to do" }).getByRole("radio");
  await expect(choices).toHaveCount(labels.length);
  for (const [index, label] of labels.entries()) {
    await expect(choices.nth(index)).toHaveAccessibleName(new RegExp(`^${label}`));
  }
  await expect(choices.first()).toBeChecked();
}

async function signedIn(browser: Browser, dashboard: Dashboard): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.link);
  return page;
}

test("a plan that was stopped goes on, runs again as another one, and is removed", async ({
  browser,
}) => {
  const dashboard = await Dashboard.start({
    pace: 0.1,
    rules: [
      {
        when: { role: ["engineer"] },
        before_verdict: [{ do: "await_file", path: "/nowhere/but/here" }],
      },
    ],
  });
  const page = await signedIn(browser, dashboard);
  const script = JSON.parse(readFileSync(dashboard.path("script.json"), "utf8")) as object;
  const made = await dashboard.ask(page, "POST", "/plans", { markdown: ONE("Loaves", "Bread.") });
  const { plan_id } = made as { plan_id: string };
  await dashboard.ask(page, "POST", `/plans/${plan_id}/run`, {});
  await page.goto(`${dashboard.url}/plans/${plan_id}`);
  await expect(node(page, "EPIC-001")).toHaveAttribute("data-tone", "active", LONG);
  await page.getByRole("button", { name: "More actions: Loaves" }).click();
  await page.getByRole("menuitem", { name: "Stop the run" }).click();
  await button(page, "Stop").click();
  await expect(state(page, "stopped")).toBeVisible(LONG);

  // The next session finds another script and waits for nothing.
  writeFileSync(dashboard.path("script.json"), JSON.stringify({ ...script, rules: [] }));
  // It comes from no file, and its review has nothing to say about what runs.
  await offered(page, "Go on", "Go on", "Run again from the beginning");
  await expect(dialogOf(page).getByLabel("Review of the plan")).toBeHidden();
  await dialogOf(page).getByRole("button", { name: "Go on" }).click();
  await expect(state(page, "finished")).toBeVisible(LONG);

  await button(page, "Run again").click();
  await expect(dialogOf(page)).toContainText("This plan and its rooms stay as they are");
  await expect(dialogOf(page).getByRole("radio")).toHaveCount(0);
  await dialogOf(page).getByRole("button", { name: "Run again" }).click();
  await expect(page).not.toHaveURL(new RegExp(plan_id));
  await expect(page.getByRole("heading", { name: "Loaves", level: 1 })).toBeVisible();
  await expect(state(page, "finished")).toBeVisible(LONG);

  await page.goto(`${dashboard.url}/plans/${plan_id}`);
  await expect(state(page, "finished")).toBeVisible();
  await page.getByRole("button", { name: "More actions: Loaves" }).click();
  await page.getByRole("menuitem", { name: "Remove the plan" }).click();
  await button(page, "Remove").click();
  await expect(page.getByRole("heading", { name: "Plans", level: 1 })).toBeVisible();
  await expect(page.locator(".plan-item")).toHaveCount(1);
  expect(existsSync(dashboard.path(`.agents/plans/${plan_id}`))).toBe(false);
  await page.close();
  await dashboard.down();
});

test("a file that was edited is taken: what has begun is kept, or started over", async ({
  browser,
}) => {
  const dashboard = await Dashboard.start({ plan: PAIR, pace: 0.1 });
  dashboard.ostwin("run", "PLAN.md");
  const page = await signedIn(browser, dashboard);
  await page.locator(".plan-item").getByRole("link", { name: "Letters" }).click();
  await expect(state(page, "finished")).toBeVisible();
  const edit = (from: string, to: string) => {
    const file = dashboard.path("PLAN.md");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(from, to));
  };
  const take = async (answer: string) => {
    await offered(page, "Run again", "Take the text of its file first", "Run again from");
    const go_on = dialogOf(page).getByRole("button", { name: "Go on" });
    await expect(go_on).toBeDisabled();
    await dialogOf(page).getByRole("radio", { name: answer }).check();
    await go_on.click();
    await expect(dialogOf(page)).toBeHidden();
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
  await expect(node(page, "EPIC-002")).toContainText("Answers in a day");
  expect(await sessions()).toEqual([box, answers]);

  edit("Answers in a day", "Answers in an hour");
  await take("Start them over");
  await expect(node(page, "EPIC-002")).toContainText("Answers in an hour");
  const after = await sessions();
  expect(after[0]).toBe(box);
  expect(after[1]).toBeGreaterThan(answers);
  await expect(state(page, "finished")).toBeVisible();
  await page.close();
  await dashboard.down();
});

test("a text that is edited in the browser is saved with the same word, and then taken", async ({
  browser,
}) => {
  const dashboard = await Dashboard.start({ plan: PAIR, pace: 0.1 });
  dashboard.ostwin("run", "PLAN.md");
  const page = await signedIn(browser, dashboard);
  await page.locator(".plan-item").getByRole("link", { name: "Letters" }).click();
  await page.getByRole("link", { name: "Text" }).click();
  await button(page, "Edit").click();
  const editor = page.getByRole("textbox", { name: "The plan's text" });
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(PAIR.replaceAll("Letter box", "Two letter boxes"));
  await button(page, "Save revision").click();
  await expect(dialogOf(page)).toContainText("EPIC-001");
  const save = dialogOf(page).getByRole("button", { name: "Save revision" });
  await expect(save).toBeDisabled();
  await dialogOf(page).getByRole("radio", { name: "Start them over" }).check();
  await save.click();
  await expect(page.getByText("The next run takes the new text.")).toBeVisible();
  await page.getByRole("link", { name: "Graph" }).click();

  // Its own text is newer than the last run; its file has the old one.
  await offered(page, "Run again", "Go on", "Take the text of its file first", "Run again from");
  await expect(dialogOf(page)).toContainText("saved since the last run");
  await dialogOf(page).getByRole("button", { name: "Go on" }).click();
  await expect(node(page, "EPIC-001")).toContainText("Two letter boxes", LONG);
  await expect(state(page, "finished")).toBeVisible(LONG);
  await page.close();
  await dashboard.down();
});
