// A text editor for plans, roles and settings, loaded on demand.
//
// It lives in a shadow root: there the editor brings its styles as style sheet objects, which the
// content policy allows, and not as style elements, which it forbids.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { Diagnostic } from "../api/types";

interface Props {
  /** What it begins with. From then on the text is the editor's: giving it back a text that it
   * told a moment ago would undo what was typed since. */
  initial: string;
  onChange: (value: string) => void;
  language: "markdown" | "json";
  label: string;
  diagnostics?: Diagnostic[];
}

const COLOURS = HighlightStyle.define([
  { tag: tags.heading, color: "var(--code-head)", fontWeight: "650" },
  { tag: [tags.propertyName, tags.keyword, tags.atom, tags.bool], color: "var(--code-key)" },
  { tag: [tags.string, tags.monospace, tags.number], color: "var(--code-text)" },
  { tag: [tags.comment, tags.processingInstruction, tags.punctuation], color: "var(--code-quiet)" },
  { tag: tags.strong, fontWeight: "650" },
  { tag: tags.link, color: "var(--accent)" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--text)", background: "var(--surface)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--text)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { background: "var(--surface)", color: "var(--text-3)", border: "0" },
  ".cm-tooltip": {
    background: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
  },
});

export default function Editor({ initial, onChange, language, label, diagnostics = [] }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  useEffect(() => {
    changed.current = onChange;
  });
  const first = useRef(initial);

  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          history(),
          // Tab leaves the editor, as it leaves every other field.
          keymap.of([...defaultKeymap, ...historyKeymap]),
          language === "json" ? json() : markdown(),
          syntaxHighlighting(COLOURS),
          lintGutter(),
          LOOK,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [language, label]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc } = editor.state;
    const marks = diagnostics.flatMap((found) => {
      if (!found.line || found.line > doc.lines) return [];
      const line = doc.line(found.line);
      const from = Math.min(line.from + Math.max((found.column ?? 1) - 1, 0), line.to);
      return [{ from, to: line.to, severity: found.severity, message: found.message }];
    });
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [diagnostics]);

  return <div ref={host} className="editor" />;
}
