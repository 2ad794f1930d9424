// The verdict in a message's data. What an agent sends along may be anything.

export interface Answer {
  id: string;
  met: boolean;
  evidence: string;
}

/** The criteria that it answers; none if it is no verdict. */
export function answers(data: unknown): Answer[] {
  const { criteria } = (data ?? {}) as { criteria?: unknown };
  if (!Array.isArray(criteria)) return [];
  return criteria.flatMap((each: Partial<Record<keyof Answer, unknown>> | null) =>
    typeof each?.id === "string"
      ? [{ id: each.id, met: each.met === true, evidence: String(each.evidence ?? "") }]
      : [],
  );
}

/** A message's words without the lines that only repeat those criteria: `- AC-1 met: …`. */
export function withoutAnswers(body: string, found: Answer[]): string {
  const ids = new Set(found.map(({ id }) => id));
  const id = (line: string) => /^[-*] \**([A-Z]+-\d+)\b/.exec(line)?.[1];
  return body
    .split("\n")
    .filter((line) => !ids.has(id(line) ?? ""))
    .join("\n")
    .trim();
}
