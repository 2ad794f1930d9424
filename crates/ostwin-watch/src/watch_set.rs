//! What is watched, and what a path in it means.
//!
//! Folders are watched, not files, because a replaced file is another file under the same name.
//! This module knows which folder belongs to what and turns a reported path into a [`Changed`];
//! it looks at no file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use notify::EventKind;
use notify::event::{ModifyKind, RenameMode};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::layout::{AttemptPaths, Layout};

use crate::Changed;

/// A folder whose entries are watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Folder {
    /// `.agents/` itself, without what is below.
    Project,
    /// The folder of rooms: which there are.
    Rooms,
    /// One room, without its attempts.
    Room(RoomId),
    /// One attempt of a room.
    Attempt(RoomId, PathBuf),
    /// The folder of plans: which there are.
    Plans,
    /// One plan.
    Plan(PlanId),
    /// The slots of one limit; only a touch of the folder itself counts.
    Slots(String),
}

impl Folder {
    pub(crate) fn path(&self, layout: &Layout) -> PathBuf {
        match self {
            Self::Project => layout.agents(),
            Self::Rooms => layout.rooms(),
            Self::Room(room) => layout.room(room).dir().to_owned(),
            Self::Attempt(_, dir) => dir.clone(),
            Self::Plans => layout.plans(),
            Self::Plan(plan) => layout.plan(plan).dir().to_owned(),
            Self::Slots(limit) => layout.slots(limit),
        }
    }

    /// The paths with a meaning of their own: a poll looks at exactly these.
    fn named(&self, layout: &Layout) -> Vec<(PathBuf, Changed)> {
        match self {
            Self::Project => vec![
                (layout.config(), Changed::Config),
                (layout.registry(), Changed::Config),
                (layout.ledger(), Changed::Ledger),
            ],
            Self::Rooms => vec![(layout.rooms(), Changed::RoomsFolder)],
            Self::Room(room) => {
                let files = layout.room(room);
                let other = || Changed::RoomOther(room.clone());
                vec![
                    (files.channel(), Changed::RoomChannel(room.clone())),
                    (files.audit(), Changed::RoomAudit(room.clone())),
                    (files.progress(), Changed::RoomProgress(room.clone())),
                    (files.status(), Changed::RoomStatus(room.clone())),
                    (files.config(), other()),
                    (files.brief(), other()),
                    (files.tasks(), other()),
                    (files.lifecycle(), other()),
                    (files.settings(), other()),
                    (files.artifacts(), other()),
                ]
            }
            Self::Attempt(room, dir) => {
                let files = AttemptPaths::at(dir);
                vec![
                    (files.record(), Changed::RoomAttempt(room.clone())),
                    (files.transcript(), Changed::RoomTranscript(room.clone())),
                ]
            }
            Self::Plans => vec![(layout.plans(), Changed::PlansFolder)],
            Self::Plan(plan) => {
                let files = layout.plan(plan);
                let text = || Changed::PlanFile(plan.clone());
                vec![
                    (files.control(), Changed::PlanControl(plan.clone())),
                    (files.events(), Changed::PlanEvents(plan.clone())),
                    (files.plan(), text()),
                    (files.meta(), text()),
                    (files.refined(), text()),
                    (files.budget(), text()),
                    (files.dag(), Changed::PlanDag(plan.clone())),
                    (files.engine(), Changed::EngineFile(plan.clone())),
                ]
            }
            Self::Slots(limit) => vec![(layout.slots(limit), Changed::Slots(limit.clone()))],
        }
    }

    /// What an entry without a meaning of its own means; `None` if nobody needs to look.
    fn unnamed(&self, layout: &Layout, entry: &Path) -> Option<Changed> {
        match self {
            Self::Rooms => Some(Changed::RoomsFolder),
            Self::Plans => Some(Changed::PlansFolder),
            Self::Room(room) if entry != layout.room(room).lock() => {
                Some(Changed::RoomOther(room.clone()))
            }
            _ => None,
        }
    }
}

/// The watched folders of one project and the meaning of what is in them.
#[derive(Clone, Debug)]
pub(crate) struct WatchSet {
    layout: Layout,
    folders: HashMap<PathBuf, Folder>,
    named: HashMap<PathBuf, Changed>,
}

impl WatchSet {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, folders: HashMap::new(), named: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, folder: Folder) {
        self.named.extend(folder.named(&self.layout));
        self.folders.insert(folder.path(&self.layout), folder);
    }

    /// Forgets the folder; `false` if it was not watched.
    pub(crate) fn remove(&mut self, folder: &Folder) -> bool {
        for (path, _) in folder.named(&self.layout) {
            self.named.remove(&path);
        }
        self.folders.remove(&folder.path(&self.layout)).is_some()
    }

    /// Every path with a meaning of its own.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&Path, &Changed)> {
        self.named.iter().map(|(path, changed)| (path.as_path(), changed))
    }

    /// What an event of the system means, path by path.
    pub(crate) fn meaning(&self, event: &notify::Event) -> Vec<Changed> {
        if event.need_rescan() {
            return vec![Changed::Rescan];
        }
        event.paths.iter().filter_map(|path| self.meaning_of(event.kind, path)).collect()
    }

    fn meaning_of(&self, kind: EventKind, path: &Path) -> Option<Changed> {
        // Opening and closing a file, for whatever purpose, changes nothing.
        if kind.is_access() {
            return None;
        }
        if let Some(folder) = self.folders.get(path) {
            return self.meaning_of_folder(folder, kind);
        }
        let parent = path.parent().and_then(|parent| self.folders.get(parent))?;
        if let Some(changed) = self.named.get(path) {
            return Some(changed.clone());
        }
        // Temporary files and rooms that are still being built carry a leading dot.
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden { None } else { parent.unnamed(&self.layout, path) }
    }

    /// What it means that a watched folder itself is reported, and not an entry of it.
    fn meaning_of_folder(&self, folder: &Folder, kind: EventKind) -> Option<Changed> {
        match (kind, folder) {
            // It appeared: the folder above reports the names of rooms.
            (
                EventKind::Create(_)
                | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)),
                Folder::Room(_),
            ) => Some(Changed::RoomsFolder),
            (
                EventKind::Create(_)
                | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)),
                Folder::Plan(_),
            ) => Some(Changed::PlansFolder),
            // A deleted or moved folder takes its watch with it.
            (EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)), _) => {
                Some(Changed::Rescan)
            }
            // A release touches the folder.
            (EventKind::Modify(_), Folder::Slots(limit)) => Some(Changed::Slots(limit.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::Event;
    use notify::event::{
        AccessKind, AccessMode, CreateKind, DataChange, Flag, MetadataKind, RemoveKind, RenameMode,
    };

    use super::*;

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const TOUCHED: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
    const RENAMED_TO: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    const OPENED: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));

    fn set() -> WatchSet {
        let mut set = WatchSet::new(Layout::new("/p"));
        set.insert(Folder::Project);
        set.insert(Folder::Rooms);
        set.insert(Folder::Room(RoomId::numbered(1)));
        set.insert(Folder::Plan("shop-3fa9c1".parse().unwrap()));
        set.insert(Folder::Slots("rooms".to_owned()));
        set
    }

    fn meaning(kind: EventKind, path: &Path) -> Option<Changed> {
        set().meaning(&Event::new(kind).add_path(path.to_owned())).pop()
    }

    #[test]
    fn every_named_file_has_its_meaning() {
        let layout = Layout::new("/p");
        let room = RoomId::numbered(1);
        let plan: PlanId = "shop-3fa9c1".parse().unwrap();
        let (in_room, in_plan) = (layout.room(&room), layout.plan(&plan));
        let expected = [
            (layout.config(), Changed::Config),
            (layout.registry(), Changed::Config),
            (layout.ledger(), Changed::Ledger),
            (in_room.channel(), Changed::RoomChannel(room.clone())),
            (in_room.audit(), Changed::RoomAudit(room.clone())),
            (in_room.progress(), Changed::RoomProgress(room.clone())),
            (in_room.status(), Changed::RoomStatus(room.clone())),
            (in_room.brief(), Changed::RoomOther(room.clone())),
            (in_room.dir().join("notes.txt"), Changed::RoomOther(room)),
            (in_plan.control(), Changed::PlanControl(plan.clone())),
            (in_plan.events(), Changed::PlanEvents(plan.clone())),
            (in_plan.plan(), Changed::PlanFile(plan.clone())),
            (in_plan.dag(), Changed::PlanDag(plan.clone())),
            (in_plan.engine(), Changed::EngineFile(plan)),
        ];
        for (path, changed) in expected {
            assert_eq!(meaning(WRITTEN, &path), Some(changed.clone()), "{}", path.display());
            assert_eq!(meaning(RENAMED_TO, &path), Some(changed), "{}", path.display());
        }
    }

    #[test]
    fn locks_logs_temporary_files_and_reads_mean_nothing() {
        let layout = Layout::new("/p");
        let room = layout.room(&RoomId::numbered(1));
        let plan = layout.plan(&"shop-3fa9c1".parse().unwrap());
        for path in [
            room.lock(),
            room.dir().join(".tmp-Ab3dE"),
            plan.engine_lock(),
            plan.engine_log(),
            layout.vault(),
            layout.new_room("x").dir().to_owned(),
            layout.room(&RoomId::numbered(2)).channel(),
        ] {
            assert_eq!(meaning(WRITTEN, &path), None, "{}", path.display());
        }
        assert_eq!(meaning(OPENED, &room.channel()), None);
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(meaning(closed, &room.channel()), None);
    }

    #[test]
    fn rooms_that_come_and_go_are_seen() {
        for room in [1, 2] {
            let dir = Layout::new("/p").room(&RoomId::numbered(room)).dir().to_owned();
            let created = EventKind::Create(CreateKind::Folder);
            assert_eq!(meaning(created, &dir), Some(Changed::RoomsFolder));
            assert_eq!(meaning(RENAMED_TO, &dir), Some(Changed::RoomsFolder));
        }
    }

    #[test]
    fn plans_that_come_and_go_are_seen() {
        let mut set = set();
        set.insert(Folder::Plans);
        let layout = Layout::new("/p");
        let event = |kind, path: PathBuf| Event::new(kind).add_path(path);
        for plan in ["shop-3fa9c1", "blog-000001"] {
            let dir = layout.plan(&plan.parse().unwrap()).dir().to_owned();
            let created = event(EventKind::Create(CreateKind::Folder), dir);
            assert_eq!(set.meaning(&created), [Changed::PlansFolder]);
        }
    }

    #[test]
    fn what_a_session_says_is_a_change_of_its_room() {
        let mut set = set();
        let room = RoomId::numbered(1);
        let state = "developing".parse().unwrap();
        let paths = Layout::new("/p").room(&room).attempt(1, &state, &"qa".parse().unwrap());
        set.insert(Folder::Attempt(room.clone(), paths.dir().to_owned()));
        let meaning = |path: PathBuf| set.meaning(&Event::new(WRITTEN).add_path(path));
        assert_eq!(meaning(paths.record()), [Changed::RoomAttempt(room.clone())]);
        assert_eq!(meaning(paths.transcript()), [Changed::RoomTranscript(room)]);
        assert_eq!(meaning(paths.stderr()), []);
    }

    #[test]
    fn a_touched_folder_of_slots_means_a_free_slot_and_its_files_nothing() {
        let slots = Layout::new("/p").slots("rooms");
        assert_eq!(meaning(TOUCHED, &slots), Some(Changed::Slots("rooms".to_owned())));
        assert_eq!(meaning(WRITTEN, &slots.join("3")), None);
    }

    #[test]
    fn lost_events_and_lost_folders_ask_for_a_rescan() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(set().meaning(&overflow), vec![Changed::Rescan]);
        let dir = Layout::new("/p").room(&RoomId::numbered(1)).dir().to_owned();
        let removed = EventKind::Remove(RemoveKind::File);
        assert_eq!(meaning(removed, &dir), Some(Changed::Rescan));
    }

    #[test]
    fn a_removed_folder_is_forgotten_with_its_files() {
        let mut set = set();
        let room = Folder::Room(RoomId::numbered(1));
        assert!(set.remove(&room));
        assert!(!set.remove(&room));
        let channel = Layout::new("/p").room(&RoomId::numbered(1)).channel();
        let event = Event::new(WRITTEN).add_path(channel);
        assert_eq!(set.meaning(&event), vec![]);
    }
}
