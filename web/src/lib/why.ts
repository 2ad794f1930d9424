// Why a search found something, in a few words.

import type { Explain } from "../api/types";

export function whyWords(why: Explain): string {
  const said: string[] = [];
  if (why.cosine_rank !== undefined) said.push(`${nth(why.cosine_rank)} by meaning`);
  if (why.cosine !== undefined) said.push(`near by ${why.cosine.toFixed(2)}`);
  if (why.lexical_rank !== undefined) said.push(`${nth(why.lexical_rank)} by words`);
  if (why.terms && why.terms.length > 0) {
    said.push(`“${why.terms.map(({ term }) => term).join("”, “")}”`);
  }
  return said.join(", ");
}

/** `1st`, `2nd`, `11th`. */
export function nth(rank: number): string {
  const teen = rank % 100 >= 11 && rank % 100 <= 13;
  const end = teen ? "th" : (["th", "st", "nd", "rd"][rank % 10] ?? "th");
  return `${rank}${end}`;
}
