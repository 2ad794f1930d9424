// Beside a plan that is written: what is wrong with it, and what it would become.

import type { usePlanCheck } from "../lib/usePlanCheck";
import { Diagnostics } from "./Diagnostics";
import { Waves } from "./Waves";

export function EditSide({ check }: { check: ReturnType<typeof usePlanCheck> }) {
  return (
    // It holds words only: the keyboard scrolls it as it is.
    <section className="stack edit-side" aria-label="What becomes of it" tabIndex={0}>
      <Diagnostics found={check.diagnostics} checked={check.checked} />
      {check.dag && <Waves dag={check.dag} />}
    </section>
  );
}
