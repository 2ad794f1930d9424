// A day without a mouse: whatever can be done is done by keys, and one always sees where one is.

import { expect, test, type Locator, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE } from "./plans";

test.describe.configure({ mode: "serial" });

let dashboard: Dashboard;
let page: Page;

const LONG = { timeout: 90_000 };
/** More steps than any page has from one end to the other. */
const STEPS = 120;

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({
    pace: 0.2,
    rules: [
      {
        when: { role: ["engineer"], attempt_number: { max: 1 } },
        before_verdict: [
          { do: "remember", kind: "decision", summary: "Bread is counted in loaves.", tags: [] },
          { do: "ask_human", question: "How many loaves?" },
        ],
      },
    ],
  });
  page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.link);
});

test.afterAll(async () => {
  await page.close();
  await dashboard.down();
});

/** What has the focus and does not show it; null if all is well. */
const unseen = () =>
  page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    if (!at || at === document.body) return null;
    const marked = (element: Element, pseudo?: string) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element, pseudo);
      return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    };
    let around: Element | null = at;
    // A field may be marked by what is around it.
    for (let up = 0; around && up < 4; up += 1, around = around.parentElement) {
      if (marked(around) || marked(around, "::after")) return null;
    }
    return at.outerHTML.slice(0, 160);
  });

const focused = (target: Locator) =>
  target.evaluate((element) => {
    let at = document.activeElement;
    while (at && at !== element && at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at === element;
  });

/** Goes there by Tab alone, and sees the focus at every step. */
async function tabTo(target: Locator, key = "Tab"): Promise<void> {
  await expect(target).toBeVisible();
  for (let step = 0; step < STEPS; step += 1) {
    if (await focused(target)) return;
    await page.keyboard.press(key);
    // The editor marks itself a moment after it has the focus.
    await expect.poll(unseen).toBeNull();
  }
  throw new Error(`Tab never came to ${target.toString()}`);
}

async function press(target: Locator, key = "Enter"): Promise<void> {
  await tabTo(target);
  await page.keyboard.press(key);
}

/** Chooses from a list that is open at once, as the platform does: by its first letters. */
async function pick(list: Locator, words: string): Promise<void> {
  await tabTo(list);
  await page.keyboard.type(words);
  await expect(list).toHaveValue(new RegExp(`^${words}`));
}

async function keys(...names: string[]): Promise<void> {
  for (const name of names) await page.keyboard.press(name);
}

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
const dialog = () => page.getByRole("dialog");

test("a plan is written and run", async () => {
  await expect(page.getByRole("heading", { name: "No plan yet" })).toBeVisible();
  await press(button("New plan").first());
  const editor = page.getByRole("textbox", { name: "The plan's text" });
  await tabTo(editor);
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(ONE("Loaves", "So many loaves are baked as were ordered."));
  await expect(page.getByRole("list", { name: "Waves" })).toContainText("Wave 1");
  await press(button("Create"));
  await expect(page.getByRole("heading", { name: "Loaves", level: 1 })).toBeVisible();

  await press(button("Run"));
  await pick(dialog().getByLabel("Agent"), "rehearsal");
  await pick(dialog().getByLabel("Review of the plan"), "off");
  await press(dialog().getByRole("button", { name: "Run", exact: true }));
  await expect(dialog()).toBeHidden();
  await expect(page.locator("[data-epic]")).toHaveAttribute("data-tone", "active", LONG);
});

test("the keys are listed, and the focus goes back to where it was", async () => {
  const theme = page.getByRole("button", { name: "Switch to the dark theme" });
  await press(theme, "Space");
  const light = page.getByRole("button", { name: "Switch to the light theme" });
  await expect(light).toBeFocused();
  await page.keyboard.press("Space");
  await expect(theme).toBeFocused();
  await page.keyboard.press("?");
  await expect(dialog()).toContainText("To the newest message");
  await page.keyboard.press("Escape");
  await expect(dialog()).toBeHidden();
  await expect(theme).toBeFocused();
});

test("an epic is chosen in the graph, and its room opened", async () => {
  const node = page.locator(".react-flow__node", { has: page.locator("[data-epic]") });
  await press(node);
  const panel = page.locator(".epic-panel");
  await expect(panel).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(node).toBeFocused();
  await keys("Enter", "Enter");
  await tabTo(panel.getByRole("link", { name: /^Open room/ }));
  const room = panel.getByRole("link", { name: /^Open room/ });
  await expect(room).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(node).toBeFocused();
  await keys("Enter", "Enter");
  await press(room);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Loaves");
});

test("every view of the plan and of the room has its key", async () => {
  const views = ["Channel", "Sessions", "Artifacts", "Brief", "Lifecycle", "Audit"];
  const tabs = page.getByRole("navigation", { name: /^Views of/ });
  for (const [index, name] of views.entries()) {
    await page.keyboard.press(String(index + 1));
    await expect(tabs.locator('[aria-current="page"]')).toContainText(name);
  }
  await press(page.locator(".crumbs").getByRole("link"));
  await expect(page.locator(".plan-bar")).toBeVisible();
  const sides = ["Graph", "Epics", "Timeline", "Text", "Review", "Events", "Settings"];
  for (const [index, name] of sides.entries()) {
    await page.keyboard.press(String(index + 1));
    await expect(tabs.locator('[aria-current="page"]')).toContainText(name);
  }
  // The same by Tab, and back to the room through the table.
  await press(tabs.getByRole("link", { name: /^Epics/ }));
  await expect(page.locator(".table")).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.locator(".crumbs")).toContainText("room-");
});

test("a message is sent and a question answered where one reads it", async () => {
  await page.keyboard.press("c");
  const field = page.getByRole("textbox", { name: "Message to the room" });
  await expect(field).toBeFocused();
  await page.keyboard.type("Rye too.");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "human: note" })).toContainText("Rye too.");
  await expect(field).toBeFocused();
  const answer = page.getByRole("textbox", { name: "Your answer" });
  await expect(answer).toBeVisible(LONG);
  await tabTo(answer, "Shift+Tab");
  await page.keyboard.type("Forty");
  await page.keyboard.press("Enter");
  await expect(answer).toBeHidden();
  await expect(page.getByRole("article", { name: "qa: pass" })).toBeVisible(LONG);
});

test("a state is overridden from the menu, and the menu's button has the focus again", async () => {
  await expect(page.locator(".page-head").getByText("passed")).toBeVisible(LONG);
  await keys("g", "r");
  await expect(page.getByRole("heading", { name: "Rooms", level: 1 })).toBeVisible();
  await keys("j", "Enter");
  const more = page.getByRole("button", { name: "More actions" });
  await press(more);
  await expect(page.getByRole("menu")).toBeVisible();
  await page.keyboard.type("Over");
  await page.keyboard.press("Enter");
  await expect(dialog()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog()).toBeHidden();
  await expect(more).toBeFocused();
  await keys("Enter");
  await page.keyboard.type("Over");
  await page.keyboard.press("Enter");
  await pick(dialog().getByLabel("New state"), "developing");
  await tabTo(dialog().getByLabel("Reason"));
  await page.keyboard.type("Forty-one");
  await press(dialog().getByRole("button", { name: "Override" }));
  await expect(dialog()).toBeHidden();
  await expect(page.locator(".page-head").getByText("developing")).toBeVisible();
});

test("rooms are picked and acted on together", async () => {
  await keys("g", "r");
  await press(page.getByRole("checkbox", { name: /^Select EPIC-001/ }), "Space");
  const chosen = page.getByRole("region", { name: "Selected rooms" });
  await tabTo(chosen.getByRole("button", { name: "Cancel rooms" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await tabTo(dialog().getByLabel("Reason"));
  await page.keyboard.type("Enough bread");
  await press(dialog().getByRole("button", { name: "Cancel rooms" }));
  await expect(chosen).toBeHidden();
  await expect(page.locator(".room-card")).toContainText("cancelled", LONG);
});

test("anything is found by its name", async () => {
  await page.keyboard.press("Control+K");
  await page.keyboard.type("loaves");
  const options = page.getByRole("listbox", { name: "Found" }).getByRole("option");
  await expect(options.first()).toContainText("Loaves");
  await keys("ArrowDown", "ArrowUp", "Enter");
  await expect(page.locator(".plan-bar")).toBeVisible();
  await page.keyboard.press("Control+K");
  await page.keyboard.type("Memory");
  await expect(options.first()).toContainText("Memory");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Memory", level: 1 })).toBeVisible();
});

test("a memory is read, published and superseded", async () => {
  await keys("j", "Enter");
  await expect(page.locator(".memory-summary")).toContainText("loaves");
  await press(button("Supersede"));
  const words = dialog().getByLabel("In one or two sentences");
  await tabTo(words);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Bread is counted in dozens.");
  await press(dialog().getByRole("button", { name: /^(Publish|Supersede)$/ }));
  await expect(dialog()).toBeHidden();
  await expect(page.getByRole("list", { name: "Memories" })).toContainText("dozens");
});

test("a setting is changed, and a role opened and left", async () => {
  await keys("g", "s");
  const search = page.getByRole("searchbox", { name: "Find a setting" });
  await tabTo(search);
  await page.keyboard.type("max_concurrent_rooms");
  const value = page.locator(".setting input").first();
  await tabTo(value);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("7");
  await page.keyboard.press("Enter");
  await expect(page.locator(".setting").first()).toContainText("config.json");
  await expect(value).toHaveValue("7");

  const parts = page.getByRole("navigation", { name: "Settings" });
  await tabTo(parts.getByRole("link", { name: "Roles" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  const edit = button("Edit engineer");
  await press(edit);
  await expect(page.getByRole("textbox", { name: "ROLE.md" })).toBeVisible();
  // The editor does not keep whoever comes in.
  await tabTo(page.getByRole("textbox", { name: "ROLE.md" }));
  await press(button("Back"));
  await expect(dialog()).toBeHidden();
  await expect(edit).toBeFocused();
});
