use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use notify::event::{DataChange, EventKind, ModifyKind};
use ostwin_core::fs;
use ostwin_core::jsonl;
use ostwin_core::store::{Durability, Store};
use serde_json::json;

use super::*;

/// Longer than any change takes to be reported; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A project with one room, one plan and one limit, and what a watcher reports of it.
struct Fixture {
    _dir: tempfile::TempDir,
    layout: Layout,
    room: RoomId,
    plan: PlanId,
    watcher: Watcher,
    reports: Receiver<(Changed, u32)>,
}

impl Fixture {
    fn new(mode: Mode) -> Self {
        let poll_interval = Duration::from_millis(10);
        Self::with(Options { mode, poll_interval, ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let room = RoomId::numbered(1);
        let plan: PlanId = "shop-3fa9c1".parse().unwrap();
        let last = layout.room(&last_room());
        for path in
            [layout.room(&room).dir(), last.dir(), layout.plan(&plan).dir(), &layout.slots("rooms")]
        {
            fs::create_dirs(path).unwrap();
        }
        fs::replace_hint(&last.brief(), b"\n").unwrap();
        let (sender, reports) = mpsc::channel();
        let watcher = Watcher::start(&layout, options, move |changed| {
            let thread = rustix::thread::gettid().as_raw_nonzero().get();
            sender.send((changed, u32::try_from(thread).unwrap())).unwrap();
        })
        .unwrap();
        watcher.watch_rooms_folder().unwrap();
        watcher.watch_room(&room).unwrap();
        watcher.watch_room(&last_room()).unwrap();
        watcher.watch_plan(&plan).unwrap();
        watcher.watch_slots("rooms").unwrap();
        Self { _dir: dir, layout, room, plan, watcher, reports }
    }

    fn append(&self, path: &Path) {
        let store = Store { durability: Durability::Os, ..Store::default() };
        jsonl::append(&store, path, |seq| json!({ "seq": seq })).unwrap();
    }

    /// Takes reports up to and including `last`; events of one write may come in two reports.
    fn reports_until(&self, last: &Changed) -> BTreeSet<Changed> {
        let mut seen = BTreeSet::new();
        while !seen.contains(last) {
            seen.insert(self.reports.recv_timeout(PATIENCE).unwrap().0);
        }
        seen
    }

    /// Takes all that is to be reported up to now, by one more change: a single event of the
    /// system, whose report is the last of its batch.
    fn reports_so_far(&self) -> BTreeSet<Changed> {
        let last = Changed::RoomOther(last_room());
        self.append(&self.layout.room(&last_room()).brief());
        let mut seen = self.reports_until(&last);
        seen.remove(&last);
        seen
    }
}

/// The room that [`Fixture::reports_so_far`] uses and tests leave alone.
fn last_room() -> RoomId {
    RoomId::numbered(999)
}

/// Walks through every kind of change and expects exactly its report.
fn every_change_is_reported(fixture: &Fixture) {
    let files = fixture.layout.room(&fixture.room);
    let plan_files = fixture.layout.plan(&fixture.plan);
    let (room, plan) = (&fixture.room, &fixture.plan);
    let append = |path: PathBuf| fixture.append(&path);
    let replace = |path: PathBuf| fs::replace_hint(&path, b"new").unwrap();
    let seen = |change: Changed| {
        let only = BTreeSet::from([change.clone()]);
        assert_eq!(fixture.reports_until(&change), only);
        // One write can raise several events.
        let rest = fixture.reports_so_far();
        assert!(rest.is_subset(&only), "{rest:?}");
    };

    append(fixture.layout.ledger());
    seen(Changed::Ledger);
    append(files.channel());
    seen(Changed::RoomChannel(room.clone()));
    append(files.audit());
    seen(Changed::RoomAudit(room.clone()));
    replace(files.status());
    seen(Changed::RoomStatus(room.clone()));
    replace(files.progress());
    seen(Changed::RoomProgress(room.clone()));
    replace(files.brief());
    seen(Changed::RoomOther(room.clone()));
    append(plan_files.control());
    seen(Changed::PlanControl(plan.clone()));
    append(plan_files.events());
    seen(Changed::PlanEvents(plan.clone()));
    replace(plan_files.plan());
    seen(Changed::PlanFile(plan.clone()));
    replace(plan_files.dag());
    seen(Changed::PlanDag(plan.clone()));
    replace(plan_files.engine());
    seen(Changed::EngineFile(plan.clone()));
    replace(fixture.layout.config());
    seen(Changed::Config);
    fs::touch(&fixture.layout.slots("rooms")).unwrap();
    seen(Changed::Slots("rooms".to_owned()));

    let building = fixture.layout.new_room("x");
    fs::create_dir(building.dir()).unwrap();
    fs::claim(building.dir(), fixture.layout.room(&RoomId::numbered(2)).dir()).unwrap();
    seen(Changed::RoomsFolder);
}

#[test]
fn every_change_is_reported_by_events() {
    let fixture = Fixture::new(Mode::Events);
    assert_eq!(fixture.watcher.mode(), WatchMode::Events);
    every_change_is_reported(&fixture);
}

#[test]
fn every_change_is_reported_by_polling() {
    let fixture = Fixture::new(Mode::Poll);
    assert_eq!(fixture.watcher.mode(), WatchMode::Polling { reason: PollReason::Asked });
    every_change_is_reported(&fixture);
}

#[test]
fn locks_and_logs_are_not_reported() {
    let fixture = Fixture::new(Mode::Events);
    let room_lock = fixture.layout.room(&fixture.room).lock();
    let plan = fixture.layout.plan(&fixture.plan);
    for path in [room_lock, plan.engine_lock()] {
        ostwin_core::lock::exclusive(&path, PATIENCE, || ()).unwrap();
    }
    fixture.append(&plan.engine_log());
    assert_eq!(fixture.reports_so_far(), BTreeSet::new());
}

#[cfg(target_os = "linux")]
#[test]
fn reading_wakes_nobody() {
    let fixture = Fixture::new(Mode::Events);
    let channel = fixture.layout.room(&fixture.room).channel();
    fixture.append(&channel);
    let (_, thread) = fixture.reports.recv_timeout(PATIENCE).unwrap();
    fixture.reports_so_far();

    let before = voluntary_switches(thread);
    for _ in 0..2_000 {
        fs::read(&channel, 1_000).unwrap();
        jsonl::read_all::<serde_json::Value>(&channel).unwrap();
    }
    assert_eq!(fixture.reports_so_far(), BTreeSet::new());
    // The last append itself costs a few.
    let switches = voluntary_switches(thread) - before;
    assert!(switches < 50, "{switches} wake-ups for 4,000 reads");
}

#[cfg(target_os = "linux")]
fn voluntary_switches(thread: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn a_burst_is_one_report() {
    let layout = Layout::new("/p");
    let shared = Shared::new(&layout, Options::default());
    let room = RoomId::numbered(1);
    Arc::make_mut(&mut shared.lock().set).insert(Folder::Room(room.clone()));
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let files = layout.room(&room);
    for _ in 0..100 {
        for path in [files.channel(), files.audit()] {
            shared.receive(Ok(notify::Event::new(written).add_path(path)));
        }
    }
    let expected = BTreeSet::from([Changed::RoomChannel(room.clone()), Changed::RoomAudit(room)]);
    assert_eq!(shared.next(), Some(expected));
    assert_eq!(shared.lock().pending, BTreeSet::new());
}

#[test]
fn an_error_of_the_system_asks_for_a_rescan() {
    let shared = Shared::new(&Layout::new("/p"), Options::default());
    shared.receive(Err(notify::Error::generic("the queue is broken")));
    assert_eq!(shared.next(), Some(BTreeSet::from([Changed::Rescan])));
}

#[test]
fn a_lost_folder_asks_for_a_rescan_and_can_be_watched_again() {
    let fixture = Fixture::new(Mode::Events);
    let dir = fixture.layout.room(&fixture.room).dir().to_owned();
    fs::remove_dir_all(&dir).unwrap();
    fixture.reports_until(&Changed::Rescan);
    fs::create_dir(&dir).unwrap();
    fixture.watcher.watch_room(&fixture.room).unwrap();
    fixture.append(&fixture.layout.room(&fixture.room).channel());
    fixture.reports_until(&Changed::RoomChannel(fixture.room.clone()));
}

#[test]
fn without_watches_it_says_so_and_polls() {
    let fixture = Fixture::new(Mode::Auto);
    fixture.watcher.turn_to_polling(PollReason::WatchLimit);
    assert_eq!(fixture.watcher.mode(), WatchMode::Polling { reason: PollReason::WatchLimit });
    assert_eq!(fixture.reports_until(&Changed::Rescan), BTreeSet::from([Changed::Rescan]));
    every_change_is_reported(&fixture);
}

#[test]
fn the_net_finds_what_was_never_reported_and_only_once() {
    let never = Duration::from_secs(3_600);
    let fixture =
        Fixture::with(Options { mode: Mode::Poll, poll_interval: never, ..Options::default() });
    let room = &fixture.room;
    assert_eq!(fixture.watcher.net_check([room]), vec![]);
    fixture.append(&fixture.layout.room(room).channel());
    assert_eq!(fixture.watcher.net_check([room]), vec![Changed::RoomChannel(room.clone())]);
    assert_eq!(fixture.watcher.net_check([room]), vec![]);
    assert_eq!(fixture.watcher.net_check([&RoomId::numbered(9)]), vec![]);
}

#[test]
fn the_net_is_silent_about_what_was_reported() {
    let fixture = Fixture::new(Mode::Events);
    fixture.append(&fixture.layout.room(&fixture.room).channel());
    fixture.reports_until(&Changed::RoomChannel(fixture.room.clone()));
    fixture.reports_so_far();
    assert_eq!(fixture.watcher.net_check([&fixture.room]), vec![]);
}

#[test]
fn an_unwatched_room_is_silent() {
    for mode in [Mode::Events, Mode::Poll] {
        let fixture = Fixture::new(mode);
        fixture.watcher.unwatch_room(&fixture.room);
        fixture.append(&fixture.layout.room(&fixture.room).channel());
        assert_eq!(fixture.reports_so_far(), BTreeSet::new());
        assert_eq!(fixture.watcher.net_check([&fixture.room]), vec![]);
    }
}

#[test]
fn what_does_not_exist_cannot_be_watched() {
    let fixture = Fixture::new(Mode::Auto);
    let room = RoomId::numbered(9);
    let error = fixture.watcher.watch_room(&room).unwrap_err();
    let expected = fixture.watcher.layout.room(&room).dir().to_owned();
    assert!(matches!(&error, WatchError::Missing { path } if *path == expected), "{error:?}");
    let nowhere = Watcher::start(&Layout::new("/no/such/place"), Options::default(), drop);
    assert_eq!(
        nowhere.unwrap_err().to_string(),
        "cannot watch `/no/such/place`: it does not exist"
    );
}
