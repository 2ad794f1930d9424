//! What can change, in the terms of the project's files.

use ostwin_core::ids::{PlanId, RoomId};

/// A change that somebody should look at. It may be reported once too often, never too rarely,
/// and says nothing about what is in the file now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Changed {
    /// Changes may have been missed, or a watched folder is gone: look at everything, and watch
    /// again what should be watched.
    Rescan,
    /// The project's settings or its role registry.
    Config,
    /// The shared memory.
    Ledger,
    /// A room appeared in the folder of rooms, or one went away.
    RoomsFolder,
    /// A plan appeared in the folder of plans, or one went away.
    PlansFolder,
    /// Somebody released a slot of this limit.
    Slots(String),
    /// Requests to the engine of this plan.
    PlanControl(PlanId),
    /// Plan-level events.
    PlanEvents(PlanId),
    /// The plan's text, its record, the text its review left, or its budget.
    PlanFile(PlanId),
    /// The graph with the room of each epic.
    PlanDag(PlanId),
    /// The file that says which process drives the plan.
    EngineFile(PlanId),
    /// The message log of this room.
    RoomChannel(RoomId),
    /// The transitions of this room.
    RoomAudit(RoomId),
    /// What the open attempt says about its progress.
    RoomProgress(RoomId),
    /// The room's state as one word.
    RoomStatus(RoomId),
    /// The record of a watched attempt of this room.
    RoomAttempt(RoomId),
    /// What the session of a watched attempt of this room says and does.
    RoomTranscript(RoomId),
    /// Anything else directly in the room's folder: contract, brief, tasks, lifecycle, its own
    /// settings.
    RoomOther(RoomId),
}
