// Short notes in the corner. Those that ask for a decision stay longer.

import { Link } from "@tanstack/react-router";
import { useEffect, useSyncExternalStore } from "react";
import type { Words } from "../lib/alerts";
import { Icon } from "./Icon";

interface Note extends Omit<Words, "tone"> {
  tone: Words["tone"];
  id: number;
}

const MAX = 4;
let notes: Note[] = [];
let next = 1;
const listeners = new Set<() => void>();

function change(to: Note[]): void {
  notes = to;
  for (const listener of listeners) listener();
}

export function toast(words: Words): void {
  change([...notes, { ...words, id: next++ }].slice(-MAX));
}

const close = (id: number) => change(notes.filter((note) => note.id !== id));

export function Toaster() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notes,
  );
  return (
    <div className="toasts" role="status" aria-live="polite" aria-label="Notifications">
      {shown.map((note) => (
        <Toast key={note.id} note={note} />
      ))}
    </div>
  );
}

function Toast({ note }: { note: Note }) {
  useEffect(() => {
    // The inbox keeps what waits: a note only has to be seen.
    const timer = setTimeout(() => close(note.id), note.tone === "attention" ? 20_000 : 6_000);
    return () => clearTimeout(timer);
  }, [note]);
  return (
    <div className={`toast tone-${note.tone}`}>
      <Icon name={note.tone} />
      <div className="grow">
        <strong>{note.title}</strong>
        {note.body && <p className="small">{note.body}</p>}
        {note.room && (
          <Link
            to="/rooms/$roomId"
            params={{ roomId: note.room }}
            search={{ project: note.project }}
            className="small"
            onClick={() => close(note.id)}
          >
            Open {note.room}
          </Link>
        )}
      </div>
      <button
        type="button"
        className="btn plain icon s"
        aria-label="Dismiss"
        onClick={() => close(note.id)}
      >
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
