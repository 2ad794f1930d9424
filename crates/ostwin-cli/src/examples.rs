//! The example plans, inside the binary.

use crate::args::DemoPlan;

/// One example: a plan, and the script by which the rehearsal agent plays it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    pub(crate) plan: &'static str,
    pub(crate) script: &'static str,
}

const HELLO: Example = Example {
    plan: include_str!("../../../.agents/examples/hello/PLAN.md"),
    script: include_str!("../../../.agents/examples/hello/rehearsal.json"),
};
const SHOP: Example = Example {
    plan: include_str!("../../../.agents/examples/shop/PLAN.md"),
    script: include_str!("../../../.agents/examples/shop/rehearsal.json"),
};

impl Example {
    pub(crate) fn of(plan: DemoPlan) -> Self {
        match plan {
            DemoPlan::Hello => HELLO,
            DemoPlan::Shop => SHOP,
        }
    }
}
