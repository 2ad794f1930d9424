// A plan uses up what it was given; a person gives it more, and it goes on.

import { expect, test, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE } from "./plans";

const LONG = { timeout: 90_000 };

let dashboard: Dashboard;
let page: Page;

test.afterEach(async () => {
  await page.close();
  await dashboard.down();
});

test("a budget that is used up is raised from the inbox, and the plan goes on", async ({
  browser,
}) => {
  dashboard = await Dashboard.start({ pace: 0.1, config: { budget_tokens: 100 } });
  page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.link);
  const markdown = ONE("A short list", "Somebody reads the list.");
  const made = await dashboard.ask(page, "POST", "/plans", { markdown });
  const plan = (made as { plan_id: string }).plan_id;
  await dashboard.ask(page, "POST", `/plans/${plan}/run`, { review: "off" });
  // Its engine ends, as there is nothing that it could do.
  await page.goto(`${dashboard.url}/plans/${plan}`);
  const go_on = page.getByRole("button", { name: "Go on", exact: true });
  await expect(go_on).toBeVisible(LONG);

  await page.goto(`${dashboard.url}/inbox`);
  await page.getByRole("button", { name: "Raise the budget" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText(/The budget is 100 tokens/)).toBeVisible();
  const raise = dialog.getByRole("button", { name: "Raise", exact: true });
  await expect(raise).toBeDisabled();
  // Refused by the server, and said where it was asked.
  await dialog.getByLabel("Tokens in all").fill("1.5");
  await raise.click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByLabel("Tokens in all").fill("1 000 000");
  await raise.click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();

  await page.goto(`${dashboard.url}/plans/${plan}`);
  await go_on.click();
  await dialog.getByRole("button", { name: "Go on", exact: true }).click();
  await expect(page.locator(".page-head").getByText("finished")).toBeVisible(LONG);
});
