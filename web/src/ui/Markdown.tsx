// Markdown that agents wrote. Raw HTML in it is shown as text; what is left goes through the
// sanitiser; links leave the app without telling where they came from; images are not loaded from
// anywhere but this server.

import DOMPurify from "dompurify";
import { marked, type Tokens } from "marked";
import { memo, useMemo } from "react";

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

marked.use({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escape(text),
    image: ({ href, text }: Tokens.Image) => escape(text || href),
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

const ALLOWED = [
  ...["p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "a"],
  ...["ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6"],
  ...["table", "thead", "tbody", "tr", "th", "td"],
];

const purifier = DOMPurify();
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("rel", "noopener noreferrer nofollow");
  node.setAttribute("target", "_blank");
});

/** The sanitised HTML of a Markdown text. */
export function render(source: string): string {
  return purifier.sanitize(marked.parse(source, { async: false }), {
    ALLOWED_TAGS: ALLOWED,
    ALLOWED_ATTR: ["href", "align", "start", "target", "rel"],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
  });
}

export const Markdown = memo(function Markdown({ source }: { source: string }) {
  const html = useMemo(() => render(source), [source]);
  // eslint-disable-next-line no-restricted-syntax -- this is the one place that sanitises
  return <div className="md" dangerouslySetInnerHTML={{ __html: html }} />;
});
