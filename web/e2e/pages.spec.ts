// Every page in light, dark and on a phone: nothing serious for axe, nothing sideways, no script that
// the policy stops; or pictures of them for the book (`OSTWIN_SHOTS=1`).

import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Browser, type BrowserContext, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { BAKERY, PAIR } from "./plans";

let dashboard: Dashboard;
let state: Awaited<ReturnType<BrowserContext["storageState"]>>;
let plan = "";

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({
    plan: BAKERY,
    pace: 0.2,
    rules: [
      {
        when: { ref: ["EPIC-003"], role: ["qa"] },
        verdict: { fail_first: 1 },
      },
      {
        when: { ref: ["EPIC-004"], role: ["engineer"], attempt_number: { max: 1 } },
        before_verdict: [{ do: "ask_human", question: "May an order change after six?" }],
      },
    ],
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(dashboard.link);
  state = await context.storageState();
  const made = await page.request.post(`${dashboard.url}/api/plans`, {
    data: { markdown: BAKERY },
    headers: { origin: dashboard.url },
  });
  plan = ((await made.json()) as { plan_id: string }).plan_id;
  const started = await page.request.post(`${dashboard.url}/api/plans/${plan}/run`, {
    data: { review: "off" },
    headers: { origin: dashboard.url },
  });
  expect(started.ok()).toBe(true);
  await page.goto(`${dashboard.url}/inbox`);
  await expect(page.locator(".nav-badge")).toBeVisible({ timeout: 90_000 });
  await context.close();
});

test.afterAll(() => dashboard.down());

const PAGES: { name: string; path: () => string; ready: string }[] = [
  { name: "plans", path: () => "/plans", ready: ".plan-item" },
  { name: "plan", path: () => `/plans/${plan}`, ready: ".epic-node, .table" },
  { name: "epics", path: () => `/plans/${plan}?tab=epics`, ready: ".table" },
  { name: "timeline", path: () => `/plans/${plan}?tab=timeline`, ready: ".gantt" },
  { name: "text", path: () => `/plans/${plan}?tab=text`, ready: ".reading .md" },
  { name: "review", path: () => `/plans/${plan}?tab=review`, ready: ".card" },
  { name: "events", path: () => `/plans/${plan}?tab=events`, ready: ".event-list li" },
  {
    name: "plan-settings",
    path: () => `/plans/${plan}?tab=settings`,
    ready: ".setting .quiet",
  },
  { name: "rooms", path: () => "/rooms", ready: ".room-card" },
  { name: "room", path: () => "/rooms/room-003", ready: ".message" },
  { name: "sessions", path: () => "/rooms/room-003?tab=sessions", ready: ".step" },
  {
    name: "artifacts",
    path: () => "/rooms/room-003?tab=artifacts",
    ready: ".reading, .code-block",
  },
  { name: "brief", path: () => "/rooms/room-003?tab=brief", ready: ".reading" },
  { name: "lifecycle", path: () => "/rooms/room-003?tab=lifecycle", ready: ".machine svg" },
  { name: "audit", path: () => "/rooms/room-003?tab=audit", ready: ".table" },
  { name: "inbox", path: () => "/inbox", ready: ".inbox-pane" },
  { name: "memory", path: () => "/memory", ready: "[data-list-item]" },
  { name: "stats", path: () => "/stats", ready: ".tally" },
  { name: "settings", path: () => "/settings", ready: ".setting" },
  { name: "roles", path: () => "/settings?part=roles", ready: ".thing" },
  { name: "skills", path: () => "/settings?part=skills", ready: ".thing" },
  { name: "servers", path: () => "/settings?part=mcp", ready: ".thing" },
  { name: "agents", path: () => "/settings?part=agents", ready: ".thing" },
  { name: "vault", path: () => "/settings?part=vault", ready: "[type=password]" },
];

// Pictures for the book, and nothing else.
const SHOTS = Boolean(process.env["OSTWIN_SHOTS"]);

type Look = "light" | "dark" | "phone";

/** What axe finds that keeps somebody out. */
async function barriers(page: Page, name: string, rules?: string[]): Promise<unknown[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  axe.options({ resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({
      name,
      id,
      at: nodes.slice(0, 3).map(({ target }) => target.join(" ")),
    }));
}

async function picture(page: Page, name: string, look: Look): Promise<void> {
  await page.screenshot({ path: `../docs/src/images/dashboard/${name}-${look}.png` });
}

/** Takes a theme, and puts every colour where it goes: a page that draws no frames never ends a transition. */
async function theme(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  const left = () =>
    page.evaluate(() => {
      const changes = document.getAnimations().filter((each) => each instanceof CSSTransition);
      for (const change of changes) change.finish();
      return changes.length;
    });
  // The end of one may be the beginning of another: of what inherits it.
  await expect.poll(left).toBe(0);
}

async function isSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
}

/** Opens every page and looks at it; gives back what was found. */
async function walk(
  browser: Browser,
  size: { width: number; height: number },
  look: (page: Page, name: string) => Promise<unknown[]>,
): Promise<unknown[]> {
  const context = await browser.newContext({
    storageState: state,
    viewport: size,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const found: unknown[] = [];
  page.on("pageerror", (error) => found.push(error.message));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) found.push(message.text());
  });
  for (const { name, path, ready } of PAGES) {
    await page.goto(dashboard.url + path());
    await expect(page.locator(ready).first(), name).toBeVisible();
    if (await isSideways(page)) found.push(`${name} scrolls sideways at ${size.width}`);
    found.push(...(await look(page, name)));
  }
  await context.close();
  return found;
}

test("every page keeps nobody out, in light and in dark", async ({ browser }) => {
  test.slow();
  const found = await walk(browser, { width: 1360, height: 860 }, async (page, name) => {
    await theme(page, "light");
    if (SHOTS) await picture(page, name, "light");
    const light = SHOTS ? [] : await barriers(page, `${name}, light`);
    await theme(page, "dark");
    if (SHOTS) await picture(page, name, "dark");
    // The dark theme has the same elements in other colours.
    return SHOTS ? [] : [...light, ...(await barriers(page, `${name}, dark`, ["color-contrast"]))];
  });
  expect(found).toEqual([]);
});

test("every page fits a phone", async ({ browser }) => {
  test.slow();
  const found = await walk(browser, { width: 360, height: 740 }, async (page, name) => {
    if (SHOTS) {
      await picture(page, name, "phone");
      return [];
    }
    // Elements that only a phone shows; their colours are those of above.
    return barriers(page, `${name}, phone`, ["button-name", "link-name", "label", "aria-roles"]);
  });
  expect(found).toEqual([]);
});

test.describe("dialogs", () => {
  test.skip(SHOTS, "They are in no picture.");
  let planned = "";

  test.beforeAll(async ({ browser }) => {
    const context = await browser.newContext({ storageState: state });
    const page = await context.newPage();
    const made = await dashboard.ask(page, "POST", "/plans", { markdown: PAIR });
    planned = (made as { plan_id: string }).plan_id;
    await context.close();
  });

  const DIALOGS: { name: string; path: () => string; button?: string; ready: string }[] = [
    { name: "help", path: () => "/plans", ready: ".keys" },
    { name: "run", path: () => `/plans/${planned}`, button: "Run", ready: "select" },
    {
      name: "role editor",
      path: () => "/settings?part=roles",
      button: "Edit qa",
      ready: ".cm-content",
    },
    { name: "new plan", path: () => "/plans", button: "New plan", ready: ".waves" },
  ];

  for (const [device, width] of [
    ["a screen", 1360],
    ["a phone", 360],
  ] as const) {
    test(`every one keeps nobody out on ${device}`, async ({ browser }) => {
      const context = await browser.newContext({
        storageState: state,
        viewport: { width, height: 600 },
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      const found: unknown[] = [];
      for (const { name, path, button, ready } of DIALOGS) {
        await page.goto(dashboard.url + path());
        await expect(page.locator("h1").first(), name).toBeVisible();
        if (button) await page.getByRole("button", { name: button, exact: true }).first().click();
        else await page.keyboard.press("?");
        await expect(page.locator(`dialog ${ready}`).first(), name).toBeVisible();
        await theme(page, "light");
        if (await isSideways(page)) found.push(`${name} scrolls sideways on ${device}`);
        found.push(...(await barriers(page, `${name} on ${device}`)));
      }
      await context.close();
      expect(found).toEqual([]);
    });
  }
});
