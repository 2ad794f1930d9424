// What becomes of epics that have begun when the text of their plan changes them.

import type { Begun } from "../api/actions";
import { Choice } from "./Choice";

interface Props {
  value: Begun | null;
  onChange: (value: Begun) => void;
}

export function BegunChoice(props: Props) {
  return (
    <Choice
      legend="Epics that have begun and that the edit changes"
      options={[
        {
          value: "keep",
          label: "Keep them as they are",
          hint: "They keep the text that they began with.",
        },
        {
          value: "redo",
          label: "Start them over",
          hint: "Their work begins anew by the new text. One that it leaves out is cancelled.",
        },
      ]}
      {...props}
    />
  );
}
