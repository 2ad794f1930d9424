// What can be done with a plan that nobody drives.

import type { PlanDetail, PlanState } from "../api/types";

/** Go on with it, take the text of its file first, or begin anew as another plan. */
export type Way = "on" | "file" | "new";

/** Whether nothing of a plan in this state is left to do. */
export const isOver = (state: PlanState): boolean => state === "finished" || state === "failed";

/** Whether its text was saved after it was driven last: the next run is the first by it. */
export function hasNewText({ board, imported_at }: PlanDetail): boolean {
  return board.engine !== null && Date.parse(imported_at) > Date.parse(board.engine.since);
}

/** What has a meaning now; what a person means most likely comes first. */
export function ways(detail: PlanDetail): Way[] {
  const { state } = detail.board;
  const found: Way[] = [];
  if (!isOver(state) || hasNewText(detail)) found.push("on");
  if (detail.source_differs) found.push("file");
  if (state !== "planned") found.push("new");
  return found;
}

/** Whether a review can still have a say: not about a text that was approved, or runs already. */
export function isReviewDue(detail: PlanDetail, way: Way): boolean {
  if (way !== "on" || hasNewText(detail)) return true;
  return !detail.begun && detail.review.state !== "approved";
}
