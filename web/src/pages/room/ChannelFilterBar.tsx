// Which messages are shown.

import { useEffect, useState } from "react";
import type { ChannelFilter } from "../../api/queries";
import type { Message } from "../../api/types";

const TYPES = [
  ...["task", "done", "review", "pass", "fail", "fix", "error", "escalate"],
  ...["note", "question", "answer", "approval-request", "approval"],
];

interface Props {
  filter: ChannelFilter;
  onChange: (filter: ChannelFilter) => void;
  messages: Message[];
}

export function ChannelFilterBar({ filter, onChange, messages }: Props) {
  const [text, setText] = useState(filter.q ?? "");
  const speakers = [...new Set([...messages.map(({ from }) => from), "human", "engine"])].sort();
  useEffect(() => {
    const timer = setTimeout(() => {
      const q = text.trim() || undefined;
      if (q !== filter.q) onChange({ ...filter, q });
    }, 250);
    return () => clearTimeout(timer);
  }, [text, filter, onChange]);
  return (
    <div className="filter-bar">
      <input
        className="input"
        type="search"
        aria-label="Find in the messages"
        placeholder="Find in the messages"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <select
        className="select"
        aria-label="Type"
        value={filter.type ?? ""}
        onChange={(event) => onChange({ ...filter, type: event.target.value || undefined })}
      >
        <option value="">every type</option>
        {TYPES.map((type) => (
          <option key={type}>{type}</option>
        ))}
      </select>
      <select
        className="select"
        aria-label="From"
        value={filter.from ?? ""}
        onChange={(event) => onChange({ ...filter, from: event.target.value || undefined })}
      >
        <option value="">everybody</option>
        {speakers.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  );
}
