import { defineConfig } from "@playwright/test";

// Real binaries and a real browser: what is slow here is the machine, not the wait.
export default defineConfig({
  testDir: "e2e",
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 2,
  fullyParallel: false,
  forbidOnly: true,
  // On a machine that others use too, once more: what only passes then is listed as flaky.
  retries: process.env["CI"] ? 1 : 0,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1360, height: 860 },
    contextOptions: { reducedMotion: "reduce" },
    actionTimeout: 30_000,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["OSTWIN_BROWSER"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // The name of a page that means harm, pointed at this machine.
        "--host-resolver-rules=MAP rebound.test 127.0.0.1",
      ],
    },
  },
});
