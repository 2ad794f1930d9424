// One person's day with the dashboard, against the real binaries: a plan is written and run from the
// browser, watched, answered, decided about; the server dies in the middle and nothing is missed.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { BAKERY } from "./plans";

test.describe.configure({ mode: "serial" });

let dashboard: Dashboard;
let page: Page;

const go = (name: string) => page.locator(".nav").getByRole("link", { name }).click();
const node = (epic: string) => page.locator(`[data-epic="${epic}"]`);
/** For what several sessions have to end before. */
const LONG = { timeout: 90_000 };

/** Opens an epic's room from the graph; the room's name. */
async function openRoom(epic: string): Promise<string> {
  await node(epic).click();
  const open = page.locator(".epic-panel").getByRole("link", { name: /^Open room/ });
  const name = (await open.innerText()).replace("Open ", "").trim();
  await open.click();
  await expect(page.locator(".crumbs")).toContainText(name);
  return name;
}

/** A session that waits goes on when its file is there. */
const signals = mkdtempSync(join(tmpdir(), "ostwin-signal-"));
const signal = (epic: string) => join(signals, epic);

test.beforeAll(async ({ browser }) => {
  const worker = (ref: string) => ({
    ref: [ref],
    role: ["engineer"],
    attempt_number: { max: 1 },
  });
  const wait = (ref: string) => ({ do: "await_file", path: signal(ref) });
  dashboard = await Dashboard.start({
    pace: 2,
    config: { approvals: { mode: "ask" } },
    rules: [
      { when: worker("EPIC-001"), before_verdict: [wait("EPIC-001")] },
      { when: worker("EPIC-004"), before_verdict: [wait("EPIC-004")] },
      {
        when: worker("EPIC-002"),
        before_verdict: [{ do: "ask_human", question: "Which hour is closing time?" }],
      },
      {
        when: worker("EPIC-003"),
        before_verdict: [{ do: "ask_permission", title: "Print the list", command: "lp list.md" }],
      },
    ],
  });
  page = await (await browser.newContext()).newPage();
  const broken: string[] = [];
  page.on("pageerror", (error) => broken.push(error.message));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) broken.push(message.text());
  });
  page.on("close", () => expect(broken).toEqual([]));
});

test.afterAll(async () => {
  await page.close();
  await dashboard.down();
});

test("without the link there is only the way to get one", async ({ browser }) => {
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(dashboard.url);
  await expect(stranger.getByText("This browser is not signed in")).toBeVisible();
  await stranger.close();
});

test("the link lets in, and an empty project says what to do first", async () => {
  await page.goto(dashboard.link);
  await expect(page.getByRole("heading", { name: "No plan yet" })).toBeVisible();
});

test("a plan is written with its mistakes beside it", async () => {
  await page.getByRole("button", { name: "New plan" }).first().click();
  const editor = page.getByRole("textbox", { name: "The plan's text" });
  const write = async (text: string) => {
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    await page.keyboard.insertText(text);
  };
  await write(BAKERY.replace("[EPIC-002, EPIC-003]", "[EPIC-002, EPIC-030]"));
  await expect(page.getByRole("list", { name: "What is wrong" })).toContainText("EPIC-030");
  await expect(page.getByRole("button", { name: "Create" })).toBeDisabled();
  await write(BAKERY);
  await expect(page.getByRole("list", { name: "Waves" })).toContainText("Wave 3");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { name: "Bakery orders" })).toBeVisible();
  await expect(node("EPIC-004")).toHaveAttribute("data-tone", "idle");
});

test("it is run from the browser and waits for the approval of a person", async () => {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Agent").selectOption("rehearsal");
  await dialog.getByLabel("Review of the plan").selectOption("human");
  const run = dialog.getByRole("button", { name: "Run", exact: true });
  await run.click();
  await expect(page.getByText("The plan waits for your approval.")).toBeVisible();
  await page.getByRole("button", { name: "Review", exact: true }).click();
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(page.getByText("The plan waits for your approval.")).toBeHidden();
  // Its review was a run of its own: the approved plan is offered to be run.
  await expect(dialog.getByLabel("Review of the plan")).toBeHidden();
  await run.click();
});

test("nodes and bars move by themselves", async () => {
  await page.getByRole("link", { name: "Graph" }).click();
  await expect(node("EPIC-001")).toHaveAttribute("data-tone", "active");
  const percent = () =>
    node("EPIC-001")
      .getByRole("progressbar")
      .getAttribute("aria-valuenow")
      .then((value) => Number(value));
  await expect.poll(percent).toBeGreaterThan(0);
  await expect.poll(percent).toBeGreaterThan(30);
});

test("a running session is followed, and its messages arrive", async () => {
  await openRoom("EPIC-001");
  await page.getByRole("link", { name: /Sessions/ }).click();
  const steps = page.locator(".step");
  await expect(steps.first()).toBeVisible();
  await expect(page.getByText("The session runs")).toBeVisible();
  await expect(page.getByText("Session ended: signalled")).toBeHidden();
  writeFileSync(signal("EPIC-001"), "");
  await expect(page.getByText("Session ended: signalled")).toBeVisible();
  await page.getByRole("link", { name: "Channel" }).click();
  const log = page.getByRole("log", { name: "Messages" });
  await expect(log.getByRole("article", { name: "engineer: done" })).toBeVisible();
  await expect(log.getByRole("article", { name: "qa: pass" })).toBeVisible();
});

test("a person's words are in the channel at once", async () => {
  const field = page.getByRole("textbox", { name: "Message to the room" });
  await field.fill("Keep it **short**, please.");
  await field.press("Enter");
  await expect(page.getByRole("article", { name: "human: note" })).toContainText("Keep it short");
});

test("artifacts are shown", async () => {
  await page.getByRole("link", { name: "Artifacts" }).click();
  await page.getByRole("button", { name: /deliverable\.md/ }).click();
  await expect(page.locator(".reading")).toContainText("EPIC-001");
});

test("a question and a permission are decided in the inbox, by keyboard alone", async () => {
  const badge = page.locator(".nav-badge");
  await expect(badge).toContainText("2", LONG);
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await expect(page.getByRole("heading", { name: "Inbox" })).toBeVisible();
  for (const kind of ["Question", "Permission"]) {
    const item = page.getByRole("button", { name: new RegExp(`^${kind}`) });
    await expect(item).toBeVisible();
    if ((await item.getAttribute("aria-pressed")) !== "true") await page.keyboard.press("j");
    if ((await item.getAttribute("aria-pressed")) !== "true") await page.keyboard.press("k");
    await expect(item).toHaveAttribute("aria-pressed", "true");
    if (kind === "Question") {
      await expect(page.getByRole("textbox", { name: "Your answer" })).toBeVisible();
      await page.keyboard.press("e");
      await page.keyboard.type("Six in the evening");
      await page.keyboard.press("Enter");
    } else {
      await expect(page.getByRole("button", { name: "Approve" })).toBeVisible();
      await page.keyboard.press("a");
    }
    await expect(item).toBeHidden();
  }
  await expect(page.getByRole("heading", { name: "Nothing waits for you" })).toBeVisible();
  await expect(badge).toBeHidden();
});

test("the server dies and comes back: the page recovers and has missed nothing", async () => {
  await go("Plans");
  await page.getByRole("link", { name: "Bakery orders" }).first().click();
  await expect(node("EPIC-004")).toHaveAttribute("data-tone", "active", LONG);
  const room = await openRoom("EPIC-004");
  await expect(page.getByText("Nobody has said anything yet")).toBeVisible();
  // A page that was loaded again would not know this.
  await page.evaluate(() => Object.assign(window, { loadedOnce: true }));
  const connection = page.getByRole("navigation", { name: "Main" }).locator(".connection");
  await expect(connection).toHaveText("Live");
  await dashboard.kill();
  await expect(connection).toHaveText("Reconnecting");
  // The engine goes on, and what is said now is said to nobody.
  writeFileSync(signal("EPIC-004"), "");
  const status = dashboard.path(`.agents/war-rooms/${room}/status.txt`);
  await expect.poll(() => readFileSync(status, "utf8").trim(), LONG).toBe("passed");
  await dashboard.up();
  await expect(connection).toHaveText("Live", LONG);
  await expect(page.getByRole("article", { name: "engineer: done" })).toHaveCount(1);
  await expect(page.getByRole("article", { name: "qa: pass" })).toHaveCount(1);
  await expect(page.locator(".page-head").getByText("passed")).toBeVisible();
  await page.getByRole("link", { name: "Bakery orders" }).first().click();
  for (const epic of ["EPIC-001", "EPIC-002", "EPIC-003", "EPIC-004"]) {
    await expect(node(epic)).toHaveAttribute("data-tone", "passed");
  }
  await expect(page.locator(".page-head").getByText("finished")).toBeVisible(LONG);
  expect(await page.evaluate(() => "loadedOnce" in window)).toBe(true);
});

test("a state is overridden, with a reason that the audit keeps", async () => {
  await openRoom("EPIC-004");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Override the state" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New state").selectOption("developing");
  await dialog.getByLabel("Reason").fill("The closing time changed");
  await dialog.getByRole("button", { name: "Override" }).click();
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(page.getByRole("row", { name: /The closing time changed/ })).toContainText(
    "developing",
  );
});

test("the lifecycle is drawn", async () => {
  await page.getByRole("link", { name: "Lifecycle" }).click();
  await expect(page.getByRole("img", { name: /It is developing/ })).toBeVisible();
});

test("what a room wrote down is one link away from it", async () => {
  await page.getByRole("link", { name: "what it wrote down" }).click();
  const chip = page.getByRole("button", { name: /^from room-/ });
  await expect(chip).toBeVisible();
  const memories = page.getByRole("list", { name: "Memories" }).getByRole("button");
  const some = await memories.count();
  await chip.click();
  await expect(chip).toBeHidden();
  await expect.poll(() => memories.count()).toBeGreaterThan(some);
});

test("a memory is published, and found by what it means", async () => {
  await go("Memory");
  await page.getByRole("button", { name: "Publish" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("In one or two sentences").fill("Money is kept in whole cents.");
  await dialog.getByLabel("What it is about").fill("EPIC-002");
  await dialog.getByLabel("Tags").fill("prices");
  await dialog.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("Money is kept in whole cents.").first()).toBeVisible();
  await page.getByLabel("How to search").selectOption("semantic");
  await page
    .getByRole("searchbox", { name: "Find by meaning" })
    .fill("how are amounts of cash stored");
  const first = page.getByRole("list", { name: "Found" }).getByRole("button").first();
  await expect(first).toContainText("whole cents", LONG);
  await expect(first).toContainText("EPIC-002");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Find/ }).fill("money in cents");
  const found = page.getByRole("option", { name: /whole cents/ });
  await expect(found).toContainText("EPIC-002", LONG);
  await page.keyboard.press("Escape");
});

test("a role is edited for this project", async () => {
  await go("Settings");
  await page.getByRole("link", { name: "Roles" }).click();
  const edit = page.getByRole("button", { name: "Edit qa", exact: true });
  await edit.click();
  const editor = page.getByRole("textbox", { name: "ROLE.md" });
  await expect(editor).toBeVisible();
  // The editor draws only what is in view: its beginning is, whatever the window.
  await editor.press("Control+Home");
  await editor.pressSequentially("Read the whole list aloud.\n");
  await expect(editor).toContainText("Read the whole list aloud.");
  await page.getByRole("button", { name: "Save in this project" }).click();
  await expect(page.getByText("Saved qa")).toBeVisible();
  await expect(page.locator(".thing", { has: edit })).toContainText("project");
  await edit.click();
  await expect(editor).toContainText("Read the whole list aloud.");
  await page.getByRole("button", { name: "Back", exact: true }).click();
});

test("a tool server is added, tried and removed", async () => {
  await page.getByRole("link", { name: "MCP servers" }).click();
  const form = page.getByRole("form", { name: "Add a server" });
  await form.getByLabel("Name of the server").fill("more-memory");
  await form.getByLabel("Its command line or address").fill("ostwin-mcp-memory");
  await form.getByRole("button", { name: "Add" }).click();
  const added = page.locator(".thing", { hasText: "more-memory" });
  await expect(added).toContainText("project");
  await added.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(added).toBeHidden();
  await page.getByRole("button", { name: "Test memory" }).click();
  await expect(
    page.locator(".thing", { hasText: "memory" }).getByText("answers", { exact: true }),
  ).toBeVisible(LONG);
});
