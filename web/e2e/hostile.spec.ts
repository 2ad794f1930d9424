// Words and files that mean harm, shown by the app; and another page that means harm, in the same
// browser. Nothing of it runs, and nothing is done in the person's name.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync } from "node:fs";
import { expect, test, type BrowserContext, type Page } from "@playwright/test";
import { Dashboard } from "./dashboard";
import { ONE } from "./plans";

/** Every way to run a script that a text may hold; what runs asks for `/ran`. */
const RUN = "fetch('/ran')";
const HARM = [
  `<img src=x onerror="${RUN}">`,
  `<script>${RUN}</script>`,
  `<svg onload="${RUN}"></svg>`,
  `<iframe srcdoc="<script>${RUN}</script>"></iframe>`,
  `<details open ontoggle="${RUN}">x</details>`,
  `[link](javascript:${RUN})`,
  `![picture](http://rebound.test/ran.png)`,
  `<a href="javascript:${RUN}">link</a>`,
].join(" ");
const LINE = HARM.replaceAll("\n", " ");

const FILES: Record<string, string> = {
  "page.html": `<!doctype html><title>harm</title><script>${RUN}</script>`,
  "image.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>${RUN}</script></svg>`,
  "feed.xml": `<html xmlns="http://www.w3.org/1999/xhtml"><script>${RUN}</script></html>`,
  "words.md": HARM,
  "words.txt": `<script>${RUN}</script>`,
  "data.json": JSON.stringify({ text: HARM }),
};

let dashboard: Dashboard;
let state: Awaited<ReturnType<BrowserContext["storageState"]>>;
let plan = "";
let room = "";

test.beforeAll(async ({ browser }) => {
  dashboard = await Dashboard.start({
    pace: 0.1,
    rules: [
      {
        when: { role: ["engineer"] },
        before_verdict: [
          { do: "say", text: HARM },
          { do: "think", text: HARM },
          { do: "progress", percent: 50, message: LINE },
          { do: "remember", kind: "decision", summary: LINE.slice(0, 280), tags: ["harm"] },
          { do: "post", to: "qa", type: "note", body: HARM },
          ...Object.entries(FILES).map(([path, content]) => ({ do: "artifact", path, content })),
          { do: "ask_human", question: HARM },
        ],
      },
    ],
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(dashboard.link);
  state = await context.storageState();
  const markdown = ONE(`Harm ${LINE}`, HARM);
  const made = await dashboard.ask(page, "POST", "/plans", { markdown });
  plan = (made as { plan_id: string }).plan_id;
  await dashboard.ask(page, "PUT", "/roles/harm", {
    role_json: { description: LINE },
    role_md: HARM,
  });
  await dashboard.ask(page, "POST", `/plans/${plan}/run`, { review: "off" });
  await page.goto(`${dashboard.url}/inbox`);
  await expect(page.locator(".nav-badge")).toBeVisible({ timeout: 90_000 });
  const link = page.locator(".inbox-pane").getByRole("link", { name: /^Open room/ });
  room = (await link.innerText()).replace("Open ", "").trim();
  await context.close();
});

test.afterAll(() => dashboard.down());

/** Gathers every sign that something ran, or tried to. */
function watch(page: Page): string[] {
  const signs: string[] = [];
  page.on("request", (request) => {
    const { hostname, pathname } = new URL(request.url());
    if (pathname.startsWith("/ran") || hostname !== "127.0.0.1") signs.push(request.url());
  });
  page.on("dialog", (dialog) => {
    signs.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("frameattached", (frame) => signs.push(`frame: ${frame.url()}`));
  page.on("popup", (popup) => signs.push(`popup: ${popup.url()}`));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) signs.push(message.text());
  });
  return signs;
}

/** What is on the page and could run, were there no policy. */
const live = (page: Page) =>
  page.evaluate(() =>
    [...document.body.querySelectorAll("*")].flatMap((element) => {
      const { tagName, outerHTML } = element;
      const named = ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "BASE", "META"].includes(tagName);
      const handler = element.getAttributeNames().some((name) => name.startsWith("on"));
      const target = element.getAttribute("href") ?? element.getAttribute("src") ?? "";
      const script = /^\s*(javascript|data|vbscript):/i.test(target);
      return named || handler || script ? [outerHTML.slice(0, 120)] : [];
    }),
  );

// Once as everybody has it, and once without the policy: then what is shown has to be clean by itself.
for (const bypassCSP of [false, true]) {
  test(`words that mean harm are only words, ${bypassCSP ? "without" : "with"} the policy`, async ({
    browser,
  }) => {
    const context = await browser.newContext({ storageState: state, bypassCSP });
    const page = await context.newPage();
    const signs = watch(page);
    const room_ = `/rooms/${room}`;
    const views: [path: string, shown: string][] = [
      ["/plans", ".plan-item"],
      [`/plans/${plan}`, ".epic-node"],
      [`/plans/${plan}?tab=epics`, ".table"],
      [`/plans/${plan}?tab=timeline`, ".gantt"],
      [`/plans/${plan}?tab=text`, ".reading .md"],
      [`/plans/${plan}?tab=review`, ".card"],
      [`/plans/${plan}?tab=events`, ".event-list li"],
      ["/rooms", ".room-card"],
      [room_, ".message"],
      [`${room_}?tab=sessions`, ".step"],
      [`${room_}?tab=brief`, ".reading"],
      [`${room_}?tab=lifecycle`, ".machine svg"],
      [`${room_}?tab=audit`, ".table"],
      ...Object.keys(FILES).map((name): [string, string] => [
        `${room_}?tab=artifacts&artifact=${name}`,
        `.card[aria-label="${name}"]`,
      ]),
      ["/inbox", ".inbox-pane .md"],
      ["/memory?q=picture", "[data-list-item]"],
      ["/stats", ".tally"],
      ["/settings?part=roles", ".thing"],
    ];
    for (const [path, shown] of views) {
      await page.goto(dashboard.url + path);
      await expect(page.locator(shown).first(), path).toBeVisible();
      // What is folded is shown too.
      await page.evaluate(() =>
        document.querySelectorAll("details").forEach((each) => (each.open = true)),
      );
      expect(await live(page), path).toEqual([]);
    }
    await page.goto(`${dashboard.url}/memory`);
    await page.locator("[data-list-item]").first().click();
    await expect(page.locator(".memory-summary")).toContainText("onerror");
    expect(await live(page)).toEqual([]);
    expect(signs).toEqual([]);
    await context.close();
  });
}

test("the policy stops a script that would have come through", async ({ browser }) => {
  const context = await browser.newContext({ storageState: state });
  const page = await context.newPage();
  await page.goto(`${dashboard.url}/plans`);
  await expect(page.locator(".plan-item")).toBeVisible();
  const ran: string[] = [];
  page.on("request", (request) => ran.push(request.url()));
  const stopped: string[] = [];
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) stopped.push(message.text());
  });
  await page.evaluate(() => {
    document.body.insertAdjacentHTML("beforeend", `<img src="" onerror="fetch('/ran')">`);
    const script = document.createElement("script");
    script.textContent = "fetch('/ran')";
    document.body.append(script);
  });
  await expect.poll(() => stopped.length).toBeGreaterThan(1);
  expect(ran.filter((each) => each.includes("/ran"))).toEqual([]);
  await context.close();
});

test("an artifact that could run is given to keep, never opened", async ({ browser }) => {
  const context = await browser.newContext({ storageState: state });
  const page = await context.newPage();
  const signs = watch(page);
  const base = `${dashboard.url}/api/rooms/${room}/artifacts`;
  for (const name of ["page.html", "image.svg", "feed.xml"]) {
    const [kept] = await Promise.all([
      page.waitForEvent("download"),
      // The navigation ends without a page: that is the point.
      page.goto(`${base}/${name}`).catch(() => undefined),
    ]);
    expect(kept.suggestedFilename()).toBe(name);
    expect(page.url()).toBe("about:blank");
  }
  for (const name of ["words.md", "words.txt"]) {
    await page.goto(`${base}/${name}`);
    await expect(page.locator("pre")).toContainText("<script>");
    expect(await page.locator("script, img, iframe").count(), name).toBe(0);
  }
  // Neither up from the room nor, by a name that only a server reads, into the project.
  for (const name of ["../../x", "..%2f..%2fconfig.json", "%2e%2e/%2e%2e/dashboard.token"]) {
    const answer = await page.request.get(`${base}/${name}`);
    const text = await answer.text();
    expect(answer.ok() && !text.startsWith("<!doctype html>"), `${name}: ${text}`).toBe(false);
  }
  expect(existsSync(dashboard.path(".agents/x"))).toBe(false);
  expect(signs).toEqual([]);
  await context.close();
});

test.describe("another page in the same browser", () => {
  let other: Server;
  let site = "";

  test.beforeAll(async () => {
    other = createServer((_, answer) => {
      answer.setHeader("content-type", "text/html");
      answer.end("<!doctype html><title>harm</title><body></body>");
    });
    await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
    // The same site for the browser, which does not count ports: the cookie goes with its requests.
    site = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  test.afterAll(() => other.close());

  test("neither reads nor does anything", async ({ browser }) => {
    const context = await browser.newContext({ storageState: state });
    const page = await context.newPage();
    await page.goto(site);
    const { url } = dashboard;
    const outcome = await page.evaluate(
      async ({ url, body }) => {
        const tried = async (path: string, options: RequestInit) => {
          try {
            const answer = await fetch(url + path, { credentials: "include", ...options });
            return `${answer.type} ${answer.status}`;
          } catch {
            return "refused";
          }
        };
        const json = { "content-type": "application/json" };
        const stream = new Promise<string>((done) => {
          const source = new EventSource(`${url}/api/stream`, { withCredentials: true });
          source.onopen = () => done("open");
          source.onerror = () => {
            source.close();
            done("refused");
          };
        });
        return {
          read: await tried("/api/plans", {}),
          write: await tried("/api/plans", { method: "POST", headers: json, body }),
          simple: await tried("/api/plans", {
            method: "POST",
            mode: "no-cors",
            headers: { "content-type": "text/plain" },
            body,
          }),
          stream: await stream,
        };
      },
      { url, body: JSON.stringify({ markdown: ONE("Smuggled", "In a person's name.") }) },
    );
    expect(outcome).toEqual({
      read: "refused",
      write: "refused",
      simple: "refused",
      stream: "refused",
    });

    const answer = page.waitForResponse(`${url}/api/plans`);
    await page.evaluate((url) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${url}/api/plans` });
      document.body.append(form);
      form.submit();
    }, url);
    expect((await answer).status()).toBe(403);

    const second = await context.newPage();
    await second.goto(site);
    const framed = second.waitForEvent("console", (said) => /frame/i.test(said.text()));
    await second.evaluate((url) => {
      const frame = document.createElement("iframe");
      frame.src = `${url}/plans`;
      document.body.append(frame);
    }, url);
    expect((await framed).text()).toMatch(/frame-ancestors/);

    // A browser keeps an answer from such a page, but only the server keeps it from doing anything.
    const plans = await page.request.get(`${url}/api/plans`);
    const { items } = (await plans.json()) as { items: { plan_id: string }[] };
    expect(items.map((item) => item.plan_id)).toEqual([plan]);
    await context.close();
  });

  test("a name that points here is not answered", async ({ browser }) => {
    const context = await browser.newContext({ storageState: state });
    const page = await context.newPage();
    const rebound = dashboard.url.replace("127.0.0.1", "rebound.test");
    for (const path of ["/plans", "/api/plans", "/api/health"]) {
      const answer = await page.goto(rebound + path);
      expect(answer?.ok(), path).toBe(false);
    }
    await context.close();
  });

  test("without the cookie there is neither a stream nor a download", async ({ browser }) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const path of ["/api/stream", `/api/rooms/${room}/artifacts/words.txt`, "/api/plans"]) {
      const answer = await page.goto(dashboard.url + path);
      expect(answer?.status(), path).toBe(401);
    }
    await context.close();
  });
});
