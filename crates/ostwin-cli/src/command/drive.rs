//! Driving a plan to its end: the engine, somebody who watches, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use anyhow::Context as _;
use ostwin_core::board::{self, Board, PlanState};
use ostwin_core::config::Settings;
use ostwin_core::control;
use ostwin_core::events::Event;
use ostwin_core::plans::StoredPlan;
use ostwin_core::project::Project;
use ostwin_engine::{EngineError, Interrupt, Observer, OneSession, RunEnd, RunOptions, Scope};
use ostwin_service::{Exit, Explain};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::agent::Tail;
use crate::context::Context;
use crate::live::{Message, Show, Source};
use crate::out::{Out, remark};
use crate::view;
use crate::view::line::{Line, Style};

/// Runs the plan, shows what happens, and gives the exit code.
pub(super) fn drive(
    context: &Context,
    project: &Project,
    plan: &StoredPlan,
    settings: Settings,
    wait_for_people: bool,
    scope: Scope,
) -> anyhow::Result<Exit> {
    let out = context.out;
    let config = settings.config.clone();
    if control::is_driven(&plan.paths)? {
        return Err(explained(EngineError::Owned {
            plan: plan.meta.plan_id.clone(),
            engine: control::engine_record(&plan.paths)?.map(Box::new),
        }));
    }
    // First, because it may have to ask for a passphrase.
    let vaults = super::vault::read(context, project)?;
    let project = &project.keeping(&vaults.secrets());
    let by_hand = matches!(scope, Scope::Session(_));
    let show = (out.is_live() && !by_hand)
        .then(|| Show::start(out, project, plan, &config, Source::Messages))
        .transpose()
        .context("cannot show the plan")?;
    let teller = match &show {
        Some(show) => Teller::Live(show.sender()),
        None if out.json => Teller::Json(out),
        None if by_hand => Teller::Session(out, Tail::new(project, out)),
        None => Teller::Plain(out),
    };
    let (interrupts, receiver) = unbounded_channel();
    let ears = Ears::listen(interrupts, show.as_ref().map(Show::sender))?;
    let options =
        RunOptions { scope: scope.clone(), settings, vaults, wait_for_people, guardian: None };
    let end = ostwin_engine::run(project, plan, &options, &teller, receiver);
    let terminated = ears.close();
    let shown = show.map(Show::end).transpose();
    let end = end.map_err(explained)?;
    let board = match shown? {
        Some(board) => board,
        None => board::load(project, plan, &config)?,
    };
    if !out.json {
        match scope {
            // Whoever no longer reads, and a full disk, change nothing about how the plan ended.
            Scope::Plan => drop(out.lines(&summary(project, &board, end))),
            Scope::Review { .. } => review_summary(&board, end),
            Scope::Session(one) => session_summary(&board, &one, end),
        }
    }
    Ok(match end {
        RunEnd::Passed => Exit::Ok,
        RunEnd::Failed => Exit::NotPassed,
        RunEnd::NeedsPerson => Exit::NeedsPerson,
        RunEnd::Stopped => Exit::Stopped,
        RunEnd::Interrupted if terminated => Exit::Terminated,
        RunEnd::Interrupted => Exit::Interrupted,
    })
}

/// An engine's error with its exit code.
pub(super) fn explained(error: EngineError) -> anyhow::Error {
    let exit = match &error {
        EngineError::Owned { .. } => Some(Exit::Owned),
        EngineError::Plan { .. }
        | EngineError::Machine { .. }
        | EngineError::MachineShape { .. }
        | EngineError::NoRole { .. }
        | EngineError::Resolve { .. }
        | EngineError::NoSession { .. }
        | EngineError::Unsupported(_)
        | EngineError::Gate(_)
        | EngineError::Dag { .. } => Some(Exit::Usage),
        EngineError::Closed(_) | EngineError::Unanswered { .. } => Some(Exit::NeedsPerson),
        EngineError::Bug(_) => Some(Exit::Bug),
        _ => Some(Exit::Environment),
    };
    let failed: Result<(), EngineError> = Err(error);
    let failed = match exit {
        Some(exit) => failed.exit(exit),
        None => failed.map_err(anyhow::Error::from),
    };
    failed.err().unwrap_or_else(|| anyhow::anyhow!("the engine failed"))
}

/// Tells what the engine records as it happens.
#[derive(Debug)]
enum Teller {
    Live(Sender<Message>),
    Json(Out),
    Plain(Out),
    /// With what the session does.
    Session(Out, Tail),
}

impl Observer for Teller {
    fn event(&self, event: &Event) {
        // The run goes on although nobody reads what it tells.
        match self {
            Self::Live(view) => drop(view.send(Message::Event(Box::new(event.clone())))),
            Self::Json(out) => drop(out.json_line(event)),
            Self::Plain(out) => {
                if let Some(line) = view::event::event(event) {
                    drop(out.lines(&[line]));
                }
            }
            Self::Session(out, tail) => {
                // What the session did stands before the line that tells its end.
                tail.hear(event);
                if let Some(line) = view::event::event(event) {
                    drop(out.lines(&[line]));
                }
            }
        }
    }

    fn notice(&self, text: &str) {
        match self {
            Self::Live(view) => drop(view.send(Message::Notice(text.to_owned()))),
            Self::Json(_) => tracing::info!("{text}"),
            Self::Plain(_) | Self::Session(..) => remark(&view::text::one_line(text)),
        }
    }
}

/// Hears signals and passes them on as what they mean.
#[derive(Debug)]
struct Ears {
    handle: Handle,
    thread: Option<std::thread::JoinHandle<()>>,
    /// The first request to end was by SIGTERM or SIGHUP.
    terminated: Arc<AtomicBool>,
}

impl Ears {
    fn listen(
        interrupts: UnboundedSender<Interrupt>,
        view: Option<Sender<Message>>,
    ) -> anyhow::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH])
            .context("cannot listen to signals")
            .exit(Exit::Environment)?;
        let handle = signals.handle();
        let terminated = Arc::new(AtomicBool::new(false));
        let asked = AtomicUsize::new(0);
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn({
            let terminated = Arc::clone(&terminated);
            move || {
                for signal in signals.forever() {
                    if signal == SIGWINCH {
                        if let Some(view) = &view {
                            drop(view.send(Message::Resized));
                        }
                        continue;
                    }
                    let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
                    if first && signal != SIGINT {
                        terminated.store(true, Ordering::Relaxed);
                    }
                    // Only a person who types Ctrl-C again wants more than the orderly end.
                    let hard = !first && signal == SIGINT;
                    let wish = if hard { Interrupt::Hard } else { Interrupt::Soft };
                    // A closed channel means that the run has ended.
                    let _ = interrupts.send(wish);
                }
            }
        })?;
        Ok(Self { handle, thread: Some(thread), terminated })
    }

    /// Stops listening; whether the run was to end by SIGTERM or SIGHUP.
    fn close(mut self) -> bool {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.terminated.load(Ordering::Relaxed)
    }
}

/// What came of one session by hand.
fn session_summary(board: &Board, one: &OneSession, end: RunEnd) {
    let (room, plan) = (&one.room, &board.plan_id);
    let row = board.rows.iter().find(|row| row.room.as_ref() == Some(room));
    let state = row.and_then(|row| row.state.as_ref());
    let stands = state.map(|state| format!("`{room}` is in `{state}`, and ")).unwrap_or_default();
    let word = match end {
        RunEnd::Passed => "the session gave its signal",
        RunEnd::Failed => "the session ended without a signal that counts",
        RunEnd::NeedsPerson => "the session waits for a person",
        RunEnd::Stopped => "stopped by request",
        RunEnd::Interrupted => "interrupted",
    };
    remark(&format!("{word}; {stands}`ostwin run {plan}` goes on"));
}

/// What came of the review of a plan.
fn review_summary(board: &Board, end: RunEnd) {
    let plan = &board.plan_id;
    match end {
        RunEnd::Passed => remark(&format!("plan `{plan}` is approved")),
        RunEnd::Failed => {
            let row = board.rows.iter().find(|row| row.epic.is_plan_review());
            let why = row.and_then(|row| row.why.as_deref()).unwrap_or_default();
            remark(&format!(
                "plan `{plan}` is not approved, and nothing of it starts: {}",
                view::text::one_line(why)
            ));
            remark(&format!(
                "change the plan and run it with `--resume`, or `ostwin plan review {plan}` reviews \
                 it once more"
            ));
        }
        RunEnd::NeedsPerson => super::review::how_to_decide(plan),
        RunEnd::Stopped => remark("stopped by request"),
        RunEnd::Interrupted => remark("interrupted"),
    }
}

/// What a person wants to know at the end: what came out, where it is, what to type next.
fn summary(project: &Project, board: &Board, end: RunEnd) -> Vec<Line> {
    let plan = &board.plan_id;
    let counts = view::board::counts(&board.counts);
    let fixed: u32 = board.rows.iter().map(|row| row.retries).sum();
    let mut lines = vec![Line::new()];
    let (style, text) = match end {
        RunEnd::Passed => (Style::BoldGreen, "Every epic passed".to_owned()),
        RunEnd::Failed => (Style::BoldRed, format!("Not every epic passed: {counts}")),
        RunEnd::NeedsPerson => (Style::BoldYellow, format!("A person has to decide: {counts}")),
        RunEnd::Stopped => (Style::Yellow, format!("Stopped by request: {counts}")),
        RunEnd::Interrupted => (Style::Yellow, format!("Interrupted: {counts}")),
    };
    let mut first = Line::new().with(style, text);
    if let Some(elapsed) = board.elapsed_seconds {
        first.push(Style::Plain, format!(" in {}", view::figures::seconds(elapsed)));
    }
    match fixed {
        0 => {}
        1 => first.push(Style::Plain, ", after 1 retry"),
        _ => first.push(Style::Plain, format!(", after {fixed} retries")),
    }
    if board.rehearsed {
        first.push(Style::Magenta, "  rehearsed: by a script, not a model");
    }
    lines.push(first);
    lines.extend(view::board::advice(board).into_iter().filter(|_| end == RunEnd::NeedsPerson));
    let rooms = project.layout().rooms();
    let mut rows: Vec<(&str, String)> = Vec::new();
    if board.rows.iter().any(|row| row.attempt > 0) {
        rows.push(("results", format!("{}/ROOM/artifacts/", rooms.display())));
    }
    rows.push(("look", format!("ostwin status {plan}")));
    rows.push(("", "ostwin logs".to_owned()));
    rows.push(("", "ostwin attempt show ROOM".to_owned()));
    if board.state != PlanState::Finished {
        rows.push(("go on", format!("ostwin run {plan}")));
    }
    lines.extend(rows.into_iter().map(|(name, text)| {
        Line::new().with(Style::Dim, view::text::fill(name, 9)).with(Style::Plain, text)
    }));
    lines
}
