// What one session said and did: text, thoughts, tools with their results, changes to files.

import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { attemptQuery, keys, transcriptQuery, type Scope } from "../../api/queries";
import type { Attempt } from "../../api/types";
import { fold } from "../../lib/transcript";
import { Empty, Problem, Skeleton } from "../../ui/Feedback";
import { LongList } from "../../ui/LongList";
import { Markdown } from "../../ui/Markdown";
import { StepView } from "./StepView";

interface Props {
  room: string;
  attempt: Attempt;
  scope: Scope;
}

export function Transcript({ room, attempt, scope }: Props) {
  const [view, setView] = useState<"transcript" | "prompt" | "record">("transcript");
  return (
    <section className="card transcript" aria-label={`Session ${attempt.number}`}>
      <div className="card-head">
        <div className="choices" role="group" aria-label="What to show">
          {(["transcript", "prompt", "record"] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={view === name}
              onClick={() => setView(name)}
            >
              {name === "transcript" ? "Transcript" : name === "prompt" ? "Prompt" : "Record"}
            </button>
          ))}
        </div>
        <span className="mono small quiet clip">{attempt.id}</span>
      </div>
      {view === "transcript" ? (
        <Steps room={room} attempt={attempt} scope={scope} />
      ) : (
        <Record room={room} number={attempt.number} scope={scope} prompt={view === "prompt"} />
      )}
    </section>
  );
}

function Steps({ room, attempt, scope }: Props) {
  const [fromStart, setFromStart] = useState(false);
  const client = useQueryClient();
  const transcript = useInfiniteQuery(transcriptQuery(room, attempt.number, scope, fromStart));
  const { isFetching, fetchNextPage, hasPreviousPage, fetchPreviousPage } = transcript;
  const more = transcript.data?.pages.at(-1)?.more ?? false;
  // The stream says when there is more to read.
  const grown = useQuery<number>({
    queryKey: keys.grown(room, attempt.number),
    queryFn: () => 0,
    initialData: 0,
    enabled: false,
  }).data;
  const read = useRef(grown);
  useEffect(() => {
    if (fromStart || isFetching || !(more || read.current !== grown)) return;
    read.current = grown;
    void fetchNextPage();
  }, [fromStart, isFetching, more, grown, fetchNextPage]);
  const steps = useMemo(() => fold(transcript.data?.pages ?? []), [transcript.data]);
  if (transcript.isPending) {
    return (
      <div className="card-body">
        <Skeleton lines={5} height={36} />
      </div>
    );
  }
  if (transcript.error) {
    return <Problem error={transcript.error} retry={() => void transcript.refetch()} />;
  }
  if (steps.length === 0) {
    return (
      <Empty icon="thought" title="Nothing was said yet">
        <p>What the agent says and does is written here as it happens.</p>
      </Empty>
    );
  }
  return (
    <>
      <LongList
        key={String(fromStart)}
        label="Steps of the session"
        word="step"
        items={steps}
        guess={34}
        draw={(step) => <StepView step={step} />}
        more={fromStart ? more : hasPreviousPage}
        loading={isFetching}
        onMore={fromStart ? fetchNextPage : fetchPreviousPage}
        fromStart={fromStart}
        onStart={() => {
          // Where it ended the last time is no end any more.
          const { queryKey } = transcriptQuery(room, attempt.number, scope, true);
          client.removeQueries({ queryKey });
          setFromStart(true);
        }}
        onEnd={() => setFromStart(false)}
      />
      {!attempt.ended_at && (
        <p className="row small tone-active live-note" role="status">
          <i /> The session runs
        </p>
      )}
    </>
  );
}

interface RecordProps {
  room: string;
  number: number;
  scope: Scope;
  prompt: boolean;
}

function Record({ room, number, scope, prompt }: RecordProps) {
  const attempt = useQuery(attemptQuery(room, number, scope));
  if (attempt.isPending) return <Skeleton lines={3} />;
  if (attempt.error) return <Problem error={attempt.error} retry={() => void attempt.refetch()} />;
  if (!prompt) {
    return (
      <pre className="code-block transcript-text" tabIndex={0} aria-label="Record of the session">
        {JSON.stringify(attempt.data.record, null, 2)}
      </pre>
    );
  }
  return (
    <section className="card-body reading transcript-text" tabIndex={0} aria-label="Prompt">
      {attempt.data.prompt ? (
        <Markdown source={attempt.data.prompt} />
      ) : (
        <p className="quiet">The prompt of this session is not there any more.</p>
      )}
    </section>
  );
}
