//! What one seed stands for: a plan, the settings it runs by, how its sessions behave, and what
//! goes wrong.

use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;
use ostwin_core::ids::{EpicId, SignalName, StateName};
use ostwin_core::lifecycle::{Machine, StateKind, names};
use ostwin_core::store::Durability;
use serde_json::{Value, json};

/// The roles that take part in the plans.
pub(super) const ROLES: &[&str] =
    &["engineer", "qa", "security-auditor", "architect", "manager", GATED];
/// How long an attempt may take, in simulated seconds.
pub(super) const TIMEOUT: u64 = 120;
/// The role whose `done` has to pass a gate.
pub(super) const GATED: &str = "builder";

/// Everything that a seed decides.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    /// The plan's text.
    pub(super) plan: String,
    /// The project's settings.
    pub(super) settings: Value,
    pub(super) durability: Durability,
    pub(super) faults: Faults,
}

/// What goes wrong, and who comes in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Faults {
    /// How often the engine dies.
    pub(super) deaths: u32,
    /// Whether a death is a power cut: what was not synced may be gone.
    pub(super) power: bool,
    /// How many of 256 operations are preceded by something that another process does.
    pub(super) intrusions: u8,
    /// How many of 256 file events never arrive.
    pub(super) lost_events: u8,
    /// Whether people decide about rooms while they run.
    pub(super) people: bool,
    /// Whether another engine holds a slot now and then.
    pub(super) neighbour: bool,
}

impl Faults {
    /// A world without any.
    pub(super) const NONE: Self = Self {
        deaths: 0,
        power: false,
        intrusions: 0,
        lost_events: 0,
        people: false,
        neighbour: false,
    };
}

impl Case {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let power = seed % 4 == 3;
        let faults = Faults {
            deaths: random.u32(1..=3),
            power,
            intrusions: random.choice([0, 8, 32, 96]).unwrap_or_default(),
            lost_events: random.choice([0, 0, 16]).unwrap_or_default(),
            people: seed % 4 == 2,
            neighbour: random.u8(..) < 64,
        };
        Self {
            seed,
            plan: plan(&mut random),
            settings: settings(&mut random),
            durability: if power { Durability::Sync } else { Durability::Os },
            faults,
        }
    }

    /// Whether the plan is played once more without faults, to compare how it goes. It has to go
    /// the same way unless people decide at moments of their own; it is done for a part of the
    /// others only, because it takes as long again.
    pub(super) fn has_twin(&self) -> bool {
        matches!(self.seed % 16, 0 | 3)
    }

    /// The same plan in a world without faults.
    pub(super) fn without_faults(&self) -> Self {
        Self { faults: Faults::NONE, ..self.clone() }
    }

    /// What the session does that runs in `state` of `epic` after `before` others have come to an
    /// end of their own there. It does not depend on time or order, so that a session which was
    /// cut off does the same again.
    pub(super) fn behaviour(
        &self,
        epic: &EpicId,
        machine: &Machine,
        state: &StateName,
        before: usize,
    ) -> Behaviour {
        let mut random = self.random_of(&format!("{epic} {state} {before}"));
        let kind = machine.kind(state).unwrap_or(StateKind::Wait);
        let allowed = machine.allowed_agent_signals(state);
        Behaviour {
            thinks: Duration::from_millis(random.u64(10..20_000)),
            notes: random.usize(0..3),
            tricks: tricks(&mut random),
            ending: ending(&mut random, kind, &allowed),
            wakes_up: random.bool(),
        }
    }

    /// Whether the gate of an attempt succeeds.
    pub(super) fn gate_passes(&self, epic: &EpicId, state: &StateName, before: usize) -> bool {
        self.random_of(&format!("gate {epic} {state} {before}")).u8(..) < 192
    }

    fn random_of(&self, what: &str) -> Rng {
        let mut hash = self.seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in what.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
        Rng::with_seed(hash)
    }
}

/// What a session does.
#[derive(Clone, Debug)]
pub(super) struct Behaviour {
    /// How long it takes.
    pub(super) thinks: Duration,
    /// How many notes it posts on its way.
    pub(super) notes: usize,
    pub(super) tricks: Vec<Trick>,
    pub(super) ending: Ending,
    /// Whether one that was silent posts its signal when it is reminded.
    pub(super) wakes_up: bool,
}

/// What a session should not do, and that must change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// It speaks as another role.
    OtherRole,
    /// It speaks as an earlier attempt.
    OtherAttempt,
    /// It posts a signal that its state does not allow.
    OtherSignal,
    /// It posts a `pass` that answers nothing.
    EmptyPass,
    /// It posts its signal twice.
    Twice,
    /// It posts its signal again after it was told that its time is up.
    LastWords,
    /// It dies in the middle of a line in the channel.
    TornLine,
    /// It reports its progress.
    Progress,
}

/// How a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With this signal; of a `pass`, whether everything is met.
    Signal(SignalName, bool),
    /// It ends its turn and has said nothing.
    Silence,
    /// It does not end before its time is up.
    Hangs,
    /// Its program dies.
    Dies,
}

fn tricks(random: &mut Rng) -> Vec<Trick> {
    const ALL: [Trick; 8] = [
        Trick::OtherRole,
        Trick::OtherAttempt,
        Trick::OtherSignal,
        Trick::EmptyPass,
        Trick::Twice,
        Trick::LastWords,
        Trick::TornLine,
        Trick::Progress,
    ];
    ALL.into_iter().filter(|_| random.u8(..) < 40).collect()
}

fn ending(random: &mut Rng, kind: StateKind, allowed: &[SignalName]) -> Ending {
    let usual = match kind {
        StateKind::Review => names::PASS,
        _ => names::DONE,
    };
    let luck = random.u8(..100);
    let signal = allowed.iter().find(|signal| signal.as_str() == usual);
    match (luck, signal) {
        (0..70, Some(signal)) => Ending::Signal(signal.clone(), luck > 3),
        (70..77, _) => Ending::Silence,
        (77..82, _) => Ending::Hangs,
        (82..87, _) => Ending::Dies,
        _ => match random.choice(allowed) {
            Some(signal) => Ending::Signal(signal.clone(), random.bool()),
            None => Ending::Silence,
        },
    }
}

fn settings(random: &mut Rng) -> Value {
    let agent_limit = random.choice([None, None, Some(1), Some(2)]).flatten();
    json!({
        "default_agent": "rehearsal",
        "plan_review": "off",
        "agents": { "rehearsal": { "max_sessions": agent_limit } },
        "max_concurrent_rooms": random.u32(1..=4),
        "max_retries": random.u32(0..=2),
        "max_triages": random.u32(0..=2),
        // How often an attempt is cut off must not decide anything.
        "max_interruptions": 1_000,
        "timeout_seconds": TIMEOUT,
        "triage_timeout_seconds": TIMEOUT,
        "retry_delay_seconds": random.choice([0, 5]),
        "review_restart": random.choice(["stage", "first"]),
        "kill_grace_seconds": 1,
        "ask_timeout_seconds": 60,
        "live_wait_seconds": 30,
    })
}

fn plan(random: &mut Rng) -> String {
    let epics = if random.u8(..) < 8 { random.usize(8..=15) } else { random.usize(1..=4) };
    let mut text = "# Plan: Simulated\n".to_owned();
    for number in 1..=epics {
        let _ = write!(text, "\n## EPIC-{number:03}: Part {number}\n\n");
        text.push_str(random.choice(STAFF).copied().unwrap_or_default());
        if random.u8(..) < 24 {
            text.push_str("- serialize: true\n");
        }
        if random.u8(..) < 32 {
            let _ = writeln!(text, "- max_retries: {}", random.u32(0..=2));
        }
        if random.u8(..) < 48 {
            text.push_str(random.choice(["- priority: high\n", "- priority: low\n"]).unwrap_or(""));
        }
        let share = random.choice([0, 60, 140]).unwrap_or_default();
        let needed: Vec<String> = (1..number)
            .filter(|_| random.u8(..) < share)
            .map(|needed| format!("EPIC-{needed:03}"))
            .collect();
        if !needed.is_empty() {
            let _ = writeln!(text, "\ndepends_on: [{}]", needed.join(", "));
        }
        text.push_str("\n### Definition of Done\n\n- [ ] It is there\n");
        text.push_str("\n### Acceptance Criteria\n\n- [ ] It works\n");
    }
    text
}

/// Who takes part in an epic, as a plan says it.
const STAFF: &[&str] = &[
    "- Roles: engineer\n- skip_review: true\n",
    "- Roles: engineer, qa\n",
    "- Roles: engineer, qa\n",
    "- Roles: engineer, qa, security-auditor\n",
    "- Pipeline: architect -> engineer -> qa\n",
    "- Roles: builder, qa\n",
];
