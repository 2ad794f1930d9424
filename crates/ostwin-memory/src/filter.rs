//! Which entries may be hits.

use ostwin_core::ids::RoomId;
use ostwin_core::ledger::Kind;

/// Which entries may be hits; an empty filter takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Having any of these tags, in any case.
    pub tags: Vec<String>,
    /// Published by this room.
    pub room: Option<RoomId>,
    /// Not published by this room.
    pub exclude_room: Option<RoomId>,
}
