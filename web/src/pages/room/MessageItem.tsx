// One message: who, what kind, the words, and the verdict or files that came with it.

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { Scope } from "../../api/queries";
import type { Message, Tone } from "../../api/types";
import { clock, day, full, words } from "../../lib/format";
import { roleColour } from "../../lib/roles";
import { answers, withoutAnswers } from "../../lib/verdict";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { RoleMark } from "../../ui/Role";
import { VerdictView } from "../../ui/VerdictView";

const TONES: Record<string, Tone> = {
  pass: "passed",
  done: "passed",
  signoff: "passed",
  approval: "passed",
  fail: "failed",
  reject: "failed",
  error: "failed",
  fix: "trouble",
  redesign: "trouble",
  replan: "trouble",
  escalate: "attention",
  question: "attention",
  "approval-request": "attention",
  task: "soon",
};

interface Props {
  message: Message;
  before: Message | undefined;
  room: string;
  scope: Scope;
  criteria: Map<string, string>;
}

export const MessageItem = memo(function MessageItem(props: Props) {
  const { message, before, criteria } = props;
  const found = answers(message.data);
  const newDay = !before || day(before.ts) !== day(message.ts);
  const tone = TONES[message.type];
  return (
    <>
      {newDay && <p className="timeline-note">{day(message.ts)}</p>}
      <article
        className={`message role-${roleColour(message.from)}`}
        aria-label={`${message.from}: ${message.type}`}
      >
        <RoleMark role={message.from} big />
        <div className="message-main">
          <header className="row wrap">
            <strong className="message-from">
              {message.from === "human" ? "you" : message.from}
            </strong>
            {message.to !== "engine" && (
              <span className="quiet small">to {message.to === "human" ? "you" : message.to}</span>
            )}
            {tone ? (
              <span className={`pill tone-${tone}`}>
                <Icon name={tone} size={13} />
                <span>{words(message.type)}</span>
              </span>
            ) : (
              <span className="tag">{words(message.type)}</span>
            )}
            <time className="quiet small num" dateTime={message.ts} title={full(message.ts)}>
              {clock(message.ts)}
            </time>
            <span className="quiet small num message-seq">#{message.seq}</span>
          </header>
          <Markdown source={withoutAnswers(message.body, found)} />
          <VerdictView answers={found} texts={criteria} />
          <Files {...props} />
        </div>
      </article>
    </>
  );
});

function Files({ message, room, scope }: Props) {
  const { artifacts } = (message.data ?? {}) as { artifacts?: unknown };
  if (!Array.isArray(artifacts) || artifacts.length === 0) return null;
  return (
    <ul className="row wrap message-files" aria-label="Artifacts">
      {artifacts
        .filter((path): path is string => typeof path === "string")
        .map((path) => (
          <li key={path}>
            <Link
              to="/rooms/$roomId"
              params={{ roomId: room }}
              search={{ ...scope, tab: "artifacts", artifact: path }}
              className="file-chip"
            >
              <Icon name="file" size={14} /> {path}
            </Link>
          </li>
        ))}
    </ul>
  );
}
