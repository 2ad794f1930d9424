// Which of the known things a few typed letters mean.

export interface Target {
  id: string;
  group: string;
  title: string;
  more?: string;
}

/**
 * How well `text` answers `query`; null if it does not. Every word has to be in it; the start of a
 * word counts more than its middle, and a short text more than a long one.
 */
export function score(query: string, text: string): number | null {
  const hay = text.toLowerCase();
  let sum = 0;
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = hay.indexOf(word);
    if (at < 0) return null;
    const starts = at === 0 || /[\s\-_/]/.test(hay[at - 1] ?? "");
    sum += starts ? 3 : 1;
    if (at === 0) sum += 1;
  }
  return sum + 1 / (1 + hay.length);
}

/** The best answers, best first; everything in its order when nothing is typed. */
export function find<T extends Target>(query: string, targets: T[], limit: number): T[] {
  if (!query.trim()) return targets.slice(0, limit);
  return targets
    .map((target) => ({ target, score: score(query, `${target.title} ${target.more ?? ""}`) }))
    .filter((found): found is { target: T; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ target }) => target);
}
