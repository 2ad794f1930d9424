// Every page in light, dark and on a phone: nothing serious for axe, nothing sideways, and a picture
// of it for the book (`OSTWIN_SHOTS=1`).

import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Browser, type BrowserContext } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { BAKERY } from "./plans";

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

const LOOKS = [
  { look: "light", colorScheme: "light", width: 1360, height: 860 },
  { look: "dark", colorScheme: "dark", width: 1360, height: 860 },
  { look: "phone", colorScheme: "light", width: 360, height: 740 },
] as const;

const PAGES: { name: string; path: () => string; ready: string }[] = [
  { name: "plans", path: () => "/plans", ready: ".plan-item" },
  { name: "plan", path: () => `/plans/${plan}`, ready: ".epic-node, .table" },
  { name: "epics", path: () => `/plans/${plan}?tab=epics`, ready: ".table" },
  { name: "timeline", path: () => `/plans/${plan}?tab=timeline`, ready: ".gantt" },
  { name: "text", path: () => `/plans/${plan}?tab=text`, ready: ".reading .md" },
  { name: "review", path: () => `/plans/${plan}?tab=review`, ready: ".card" },
  { name: "events", path: () => `/plans/${plan}?tab=events`, ready: ".event-list li" },
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
  { name: "vault", path: () => "/settings?part=vault", ready: "#vault-server" },
];

const open = (browser: Browser, { colorScheme, width, height }: (typeof LOOKS)[number]) =>
  browser.newContext({ storageState: state, colorScheme, viewport: { width, height } });

for (const look of LOOKS) {
  test(`every page, ${look.look}`, async ({ browser }) => {
    test.slow();
    const context = await open(browser, look);
    const page = await context.newPage();
    const found: unknown[] = [];
    page.on("pageerror", (error) => found.push(error.message));
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) found.push(message.text());
    });
    for (const { name, path, ready } of PAGES) {
      await page.goto(dashboard.url + path());
      await expect(page.locator(ready).first(), name).toBeVisible();
      const sideways = await page.evaluate(
        () => document.documentElement.scrollWidth > window.innerWidth,
      );
      if (sideways) found.push(`${name} scrolls sideways`);
      if (process.env["OSTWIN_SHOTS"]) {
        await page.screenshot({ path: `../docs/src/images/dashboard/${name}-${look.look}.png` });
        continue;
      }
      // A phone shows the same elements in the same colours.
      if (look.look === "phone") continue;
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const { id, impact, nodes } of violations) {
        if (impact === "serious" || impact === "critical") {
          found.push({ name, id, at: nodes.slice(0, 3).map(({ target }) => target.join(" ")) });
        }
      }
    }
    expect(found).toEqual([]);
    await context.close();
  });
}
