// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { render } from "./Markdown";

describe("what agents write", () => {
  it.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    '<a href="javascript:alert(1)">x</a>',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "![x](https://elsewhere.example/pixel.png)",
    '<form action="/api/plans"><button>x</button></form>',
    "`<script>alert(1)</script>`",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<p style="position:fixed">x</p>',
  ])("%s runs nothing and asks nobody", (source) => {
    const holder = document.createElement("div");
    holder.innerHTML = render(source);
    expect(
      holder.querySelectorAll("script,img,svg,style,form,button,iframe,[style],[onerror]"),
    ).toHaveLength(0);
    for (const link of holder.querySelectorAll("a")) {
      expect(link.getAttribute("href") ?? "").not.toMatch(/^(javascript|data):/);
    }
  });

  it("HTML is shown as it was written", () => {
    const holder = document.createElement("div");
    holder.innerHTML = render("a <b>c</b>");
    expect(holder.textContent?.trim()).toBe("a <b>c</b>");
  });

  it("links leave without telling where from", () => {
    const holder = document.createElement("div");
    holder.innerHTML = render("[docs](https://example.org)");
    const link = holder.querySelector("a");
    expect([link?.rel, link?.target, link?.href]).toEqual([
      ...["noopener noreferrer nofollow", "_blank", "https://example.org/"],
    ]);
  });

  it("tables, lists and code stay", () => {
    const html = render("| a |\n|---|\n| 1 |\n\n- x\n\n```\ncode\n```");
    expect(html).toMatch(/<table>[\s\S]*<ul>[\s\S]*<pre><code>code/);
  });
});
