// Two projects behind one dashboard: each page shows the one that is meant, and changes no other.

import { readFileSync } from "node:fs";
import { expect, test, type Page } from "@playwright/test";
import { Dashboard, Project } from "./dashboard";
import { ONE } from "./plans";

test.describe.configure({ mode: "serial" });

const LONG = { timeout: 90_000 };

let first: Dashboard;
let second: Project;
let page: Page;

const folder = (project: Project) => project.dir.split("/").at(-1) ?? "";
const chooser = () => page.getByRole("combobox", { name: "Project" });
const go = (name: string) => page.locator(".nav").getByRole("link", { name }).click();
const shown = () => chooser().locator("option:checked");
const rooms = () => page.getByRole("textbox", { name: "max_concurrent_rooms" });

test.beforeAll(async ({ browser }) => {
  second = new Project({ pace: 0.1, config: { max_concurrent_rooms: 5 } });
  first = await Dashboard.start({ pace: 0.1, config: { max_concurrent_rooms: 3 } }, second);
  page = await (await browser.newContext()).newPage();
  await page.goto(first.link);
});

test.afterAll(async () => {
  await page.close();
  await first.down();
});

test("a plan is written for the project that is chosen", async () => {
  for (const [project, title] of [
    [second, "Far bread"],
    [first, "Near bread"],
  ] as const) {
    await go("Plans");
    await page.getByRole("button", { name: "New plan" }).first().click();
    await chooser().selectOption({ label: folder(project) });
    await page.getByRole("textbox", { name: "The plan's text" }).click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(ONE(title, "There is bread."));
    await expect(page.getByRole("list", { name: "Waves" })).toContainText("Wave 1");
    await page.getByRole("button", { name: "Create" }).click();
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
    expect(project.ostwin("plan", "list")).toContain(title);
  }
  await go("Plans");
  await expect(page.locator(".plan-item", { hasText: "Near bread" })).toContainText(folder(first));
  await expect(page.locator(".plan-item", { hasText: "Far bread" })).toContainText(folder(second));
});

test("rooms of the same name in two projects are two rooms", async () => {
  for (const title of ["Near bread", "Far bread"]) {
    await go("Plans");
    await page.getByRole("link", { name: title }).click();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Run", exact: true }).click();
    await expect(page.locator(".page-head").getByText("finished")).toBeVisible(LONG);
  }
  await go("Rooms");
  await page.getByRole("combobox", { name: "Plan" }).selectOption({ label: "every plan" });
  await expect(page.locator(".room-card")).toHaveCount(2);
  await page.locator(".room-card", { hasText: "Near bread" }).getByRole("link").first().click();
  await expect(page.locator(".crumbs")).toContainText("Near bread");
});

test("settings, memory and stats show the project that is chosen, and keep to it", async () => {
  await go("Settings");
  await chooser().selectOption({ label: folder(second) });
  await expect(rooms()).toHaveValue("5");
  await rooms().fill("6");
  await rooms().press("Enter");
  await expect(page.locator(".setting", { has: rooms() })).toContainText(folder(second));
  await expect
    .poll(() => readFileSync(second.path(".agents/config.json"), "utf8"))
    .toContain(`"max_concurrent_rooms": 6`);

  await go("Memory");
  await expect(shown()).toHaveText(folder(second));
  await page.getByRole("button", { name: "Publish" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("In one or two sentences").fill("Far bread is dark.");
  await dialog.getByRole("button", { name: "Publish" }).click();
  const memories = page.getByRole("list", { name: "Memories" });
  await expect(memories).toContainText("Far bread is dark.");

  await chooser().selectOption({ label: folder(first) });
  await expect(page.getByText("Far bread is dark.")).toBeHidden();
  await go("Stats");
  await expect(shown()).toHaveText(folder(first));
  await go("Settings");
  await expect(rooms()).toHaveValue("3");
  expect(readFileSync(first.path(".agents/config.json"), "utf8")).toContain('_rooms": 3');
});

test("the way from a plan's settings leads to those of its own project", async () => {
  await go("Plans");
  await page.getByRole("link", { name: "Far bread" }).click();
  await page.getByRole("link", { name: "Settings" }).last().click();
  const setting = page.locator(".setting", { hasText: "max_concurrent_rooms" });
  await expect(setting).toContainText("6");
  await setting.getByRole("link", { name: "Change" }).click();
  await expect(shown()).toHaveText(folder(second));
  await expect(page.getByRole("searchbox", { name: "Find a setting" })).toHaveValue(
    "max_concurrent_rooms",
  );
  await expect(rooms()).toHaveValue("6");
});

test("a memory of another project is found from anywhere, and opened in its own", async () => {
  await go("Memory");
  await chooser().selectOption({ label: folder(first) });
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Find/ }).fill("far bread is dark");
  const hit = page.getByRole("option", { name: /Far bread is dark/ });
  await expect(hit).toContainText(folder(second), LONG);
  await hit.click();
  await expect(shown()).toHaveText(folder(second));
  await expect(page.locator(".memory-summary")).toContainText("Far bread is dark.");
});
