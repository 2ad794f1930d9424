// Holds the types that the pages use against those that the server's own description gives: a field
// that is gone or has another type does not compile.

import type { components } from "./schema";
import type * as ours from "./types";
import type { WireDag, WirePlan, WireRoom, WireTranscript } from "./read";

type Wire = components["schemas"];
type Fits<Theirs extends Ours, Ours> = [Theirs, Ours];

export type Contract = [
  Fits<Wire["Artifact"], ours.Artifact>,
  Fits<Wire["AttemptShort"], ours.Attempt>,
  Fits<Wire["AuditEntry"], Omit<ours.AuditEntry, "forced">>,
  Fits<Wire["Counts"], ours.Counts>,
  Fits<Wire["Event"], ours.PlanEvent>,
  Fits<Wire["Difference"], ours.PlanDiff>,
  Fits<Wire["Diagnostic"], Omit<ours.Diagnostic, "severity">>,
  Fits<Wire["Figures"], ours.Figures>,
  Fits<Wire["Graph"], WireDag>,
  Fits<Wire["Hit"], ours.Hit>,
  Fits<Wire["InboxItem"], ours.InboxItem>,
  Fits<Wire["Memory"], ours.Memory>,
  Fits<Wire["MemoryStory"], ours.MemoryStory>,
  Fits<Wire["Message"], ours.Message>,
  Fits<Wire["Messages"], ours.ChannelPage>,
  Fits<Wire["Plan"], WirePlan>,
  Fits<Wire["PlanSummary"], ours.Summary>,
  Fits<Wire["RoomRow"], ours.RoomItem>,
  Fits<Wire["RoomStory"], WireRoom>,
  Fits<Wire["Row"], ours.Row>,
  Fits<Wire["Setting"], ours.Setting>,
  Fits<Wire["TimelineAttempt"], ours.TimelineAttempt>,
  Fits<Wire["Transcript"], WireTranscript>,
];
