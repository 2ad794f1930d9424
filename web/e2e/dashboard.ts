// A project of its own and a dashboard over it, with the real binaries.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "@playwright/test";

const BINARIES = resolve(process.env["OSTWIN_BIN_DIR"] ?? "../target/debug");

export interface Step {
  do: string;
  [field: string]: unknown;
}

export interface Rule {
  when?: Record<string, unknown>;
  before?: Step[];
  before_verdict?: Step[];
  steps?: Step[];
  verdict?: Record<string, unknown>;
}

interface Options {
  plan?: string;
  rules?: Rule[];
  pace?: number;
  config?: Record<string, unknown>;
}

/** A folder that is a project. */
export class Project {
  readonly dir = mkdtempSync(join(tmpdir(), "ostwin-web-"));

  constructor({ plan, rules = [], pace = 1, config = {} }: Options) {
    this.ostwin("init");
    const script = this.path("script.json");
    writeFileSync(script, JSON.stringify({ v: 1, pace, step_ms: 120, rules }));
    const settings = {
      schema_version: 1,
      default_agent: "rehearsal",
      plan_review: "off",
      agents: { rehearsal: { command: ["ostwin-rehearsal", "--script", script] } },
      ...config,
    };
    writeFileSync(this.path(".agents/config.json"), JSON.stringify(settings, null, 2));
    if (plan) {
      writeFileSync(this.path("PLAN.md"), plan);
    }
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Runs the command line in the project and gives back what it printed. */
  ostwin(...args: string[]): string {
    const done = spawnSync(join(BINARIES, "ostwin"), args, {
      cwd: this.dir,
      env: this.env(),
      encoding: "utf8",
    });
    if (done.status !== 0) {
      throw new Error(`ostwin ${args.join(" ")}: exit ${done.status}\n${done.stderr}`);
    }
    return done.stdout;
  }

  protected env(): NodeJS.ProcessEnv {
    const home = this.path("home");
    mkdirSync(home, { recursive: true });
    return {
      PATH: `${BINARIES}:${process.env["PATH"] ?? ""}`,
      HOME: home,
      XDG_CONFIG_HOME: join(home, ".config"),
      XDG_RUNTIME_DIR: home,
      LANG: "C.UTF-8",
    };
  }

  /** Ends the engines. */
  stop(): void {
    for (const plan of this.plans()) {
      spawnSync(join(BINARIES, "ostwin"), ["stop", plan, "--force"], {
        cwd: this.dir,
        env: this.env(),
        timeout: 20_000,
      });
    }
  }

  remove(): void {
    if (process.env["OSTWIN_KEEP"]) return;
    // An engine that is just ending may still write: what it leaves is in the temporary folder.
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }

  private plans(): string[] {
    if (!existsSync(this.path(".agents/plans"))) return [];
    const listed = JSON.parse(this.ostwin("plan", "list", "--json")) as unknown;
    const items = Array.isArray(listed) ? listed : (listed as { plans?: unknown[] }).plans;
    return (items ?? []).flatMap((item) => {
      const id = (item as { plan_id?: string }).plan_id;
      return id ? [id] : [];
    });
  }
}

/** A project, and the server that shows it, with others beside it. */
export class Dashboard extends Project {
  private child: ChildProcess | null = null;
  private port = 0;
  url = "";
  link = "";

  private constructor(
    options: Options,
    private readonly others: Project[],
  ) {
    super(options);
  }

  static async start(options: Options, ...others: Project[]): Promise<Dashboard> {
    const made = new Dashboard(options, others);
    await made.up();
    return made;
  }

  /** Starts the server: on the port that it had before, if it had one. */
  async up(): Promise<void> {
    const projects = [this, ...this.others].flatMap(({ dir }) => ["--project", dir]);
    const args = [...projects, "--port", String(this.port), "--json"];
    const child = spawn(join(BINARIES, "ostwin-dashboard"), args, {
      cwd: this.dir,
      env: this.env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let said = "";
    child.stderr.on("data", (data: Buffer) => (said += data.toString()));
    const line = await new Promise<string>((found, failed) => {
      let text = "";
      child.stdout.on("data", (data: Buffer) => {
        text += data.toString();
        if (text.includes("\n")) found(text);
      });
      child.on("exit", (code) => failed(new Error(`ostwin-dashboard: exit ${code}\n${said}`)));
    });
    const { url, link } = JSON.parse(line) as { url: string; link: string };
    this.url = url;
    this.link = link;
    this.port = Number(new URL(url).port);
  }

  /** The page's cookie holder: a request by a program that was let in. */
  async ask(page: Page, method: "POST" | "PUT", path: string, data: unknown): Promise<unknown> {
    const headers = { origin: this.url };
    const answer = await page.request.fetch(`${this.url}/api${path}`, { method, data, headers });
    if (!answer.ok())
      throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  }

  /** Ends the server as a power cut would. The engines go on. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    child.removeAllListeners("exit");
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
    this.child = null;
  }

  /** Ends everything that was started here. */
  async down(): Promise<void> {
    const projects = [this, ...this.others];
    for (const project of projects) project.stop();
    await this.kill();
    for (const project of projects) project.remove();
  }
}
