// Every key the app knows.

import { Dialog } from "./Dialog";

const KEYS: { part: string; keys: [string[], string][] }[] = [
  {
    part: "Everywhere",
    keys: [
      [["Ctrl", "K"], "Find a plan, a room, a memory or a page"],
      [["?"], "This list"],
      [["g", "p"], "Plans"],
      [["g", "r"], "Rooms"],
      [["g", "i"], "Inbox"],
      [["g", "m"], "Memory"],
      [["g", "t"], "Stats"],
      [["g", "s"], "Settings"],
      [["Esc"], "Close what is open"],
    ],
  },
  {
    part: "Lists",
    keys: [
      [["j"], "Next"],
      [["k"], "Previous"],
      [["Enter"], "Open"],
    ],
  },
  {
    part: "Inbox",
    keys: [
      [["a"], "Approve"],
      [["d"], "Deny or reject"],
      [["e"], "Write an answer"],
      [["1", "–", "9"], "Choose one of the offered answers"],
      [["o"], "Open the room"],
    ],
  },
  {
    part: "Plan",
    keys: [[["1", "–", "7"], "Graph, epics, timeline, text, review, events, settings"]],
  },
  {
    part: "Room",
    keys: [
      [["c"], "Write a message"],
      [["End"], "To the newest message or step"],
      [["Home"], "To the first message or step"],
      [["1", "–", "6"], "Channel, sessions, artifacts, brief, lifecycle, audit"],
    ],
  },
  {
    part: "Graph",
    keys: [
      [["Tab"], "Through the epics"],
      [["Enter"], "Show an epic and its path; again: go to what is said about it"],
      [["Esc"], "Back to the whole plan"],
      [["+", "−"], "Zoom"],
      [["0"], "Show the whole graph"],
    ],
  },
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} reading>
      {KEYS.map(({ part, keys }) => (
        <section key={part} className="stack">
          <h3>{part}</h3>
          <dl className="keys">
            {keys.map(([names, words]) => (
              <div key={words} style={{ display: "contents" }}>
                <dt>
                  {names.map((name) => (name === "–" ? " – " : <kbd key={name}>{name}</kbd>))}
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
