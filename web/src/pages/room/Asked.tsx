// What a session asked a person: answered right here.

import { useState } from "react";
import * as act from "../../api/actions";
import type { Scope } from "../../api/queries";
import type { Question } from "../../api/types";
import { Problem } from "../../ui/Feedback";
import { Icon } from "../../ui/Icon";
import { Markdown } from "../../ui/Markdown";
import { Ago } from "../../ui/Time";

interface Props {
  room: string;
  questions: Question[];
  scope: Scope;
}

export function Asked({ room, questions, scope }: Props) {
  return (
    <div className="stack" aria-live="polite">
      {questions.map((question) => (
        <Answer key={question.message_id} room={room} question={question} scope={scope} />
      ))}
    </div>
  );
}

interface AnswerProps {
  room: string;
  question: Question;
  scope: Scope;
  /** Called when the server took it. */
  onDone?: () => void;
}

/** The form that answers a question or decides about a permission. */
export function Answer({ room, question, scope, onDone }: AnswerProps) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const permission = question.kind === "approval-request";
  const send = async (kind: act.Said, body: string) => {
    setBusy(true);
    setError(null);
    try {
      await act.room.say(room, kind, body, question.message_id, scope);
      onDone?.();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <section
      className="asked banner tone-attention"
      aria-label={permission ? "A permission is asked for" : "A question for you"}
    >
      <Icon name="attention" />
      <div className="grow stack">
        <div className="row wrap spread">
          <strong>{permission ? "A permission is asked for" : "A question for you"}</strong>
          <span className="small quiet">
            asked <Ago ts={question.asked_at} />
            {question.until && (
              <>
                , ends <Ago ts={question.until} />
              </>
            )}
          </span>
        </div>
        <Markdown source={question.body} />
        {permission ? (
          <div className="row wrap">
            <input
              className="input grow"
              aria-label="Word to the agent"
              placeholder="A word to the agent, if you like"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
            <button
              type="button"
              className="btn primary"
              disabled={busy}
              data-decide="approve"
              onClick={() => void send("approve", text)}
            >
              Approve
            </button>
            <button
              type="button"
              className="btn danger"
              disabled={busy}
              data-decide="deny"
              onClick={() => void send("deny", text)}
            >
              Deny
            </button>
          </div>
        ) : (
          <>
            {(question.options?.length ?? 0) > 0 && (
              <div className="row wrap">
                {question.options?.map((option, index) => (
                  <button
                    key={option}
                    type="button"
                    className="btn"
                    disabled={busy}
                    data-option={index + 1}
                    onClick={() => void send("answer", option)}
                  >
                    <kbd>{index + 1}</kbd> {option}
                  </button>
                ))}
              </div>
            )}
            <form
              className="row"
              onSubmit={(event) => {
                event.preventDefault();
                if (text.trim()) void send("answer", text.trim());
              }}
            >
              <input
                className="input grow"
                aria-label="Your answer"
                placeholder="Your answer"
                value={text}
                data-answer
                onChange={(event) => setText(event.target.value)}
              />
              <button type="submit" className="btn primary" disabled={busy || !text.trim()}>
                Answer
              </button>
            </form>
          </>
        )}
        {error !== null && <Problem error={error} />}
      </div>
    </section>
  );
}
