//! `logs`: the channels of rooms, merged by time, and what comes next.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use ostwin_core::channel::{Filter, Message};
use ostwin_core::config::{Config, WatchMode};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl::Follower;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Room};
use ostwin_service::{Exit, Explain};
use ostwin_watch::{Changed, Mode, Options, Watcher};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::LogsArgs;
use crate::context::{Context, stored_plan};
use crate::out::remark;
use crate::view;

/// New messages of one room that are taken in one go.
const BATCH: usize = 1_000;

pub(crate) fn logs(context: &Context, args: &LogsArgs) -> anyhow::Result<Exit> {
    let (project, settings) = context.project()?;
    let plan = match &args.plan {
        Some(plan) => Some(stored_plan(&project, Some(plan))?.meta.plan_id),
        None => None,
    };
    let mut log = Log {
        context,
        project,
        room: args.room.clone(),
        plan,
        filter: Filter {
            kind: args.kind.clone(),
            from: args.from.as_ref().map(ToString::to_string),
            ..Filter::default()
        },
        followed: BTreeMap::new(),
    };
    if args.follow {
        return log.follow(args.last, &settings.config);
    }
    let messages = log.newest(args.last)?;
    if messages.is_empty() && !context.out.json {
        remark("no message");
    }
    log.tell(messages)?;
    Ok(Exit::Ok)
}

/// One message and the room it was posted in.
#[derive(Debug, Serialize)]
struct Logged {
    room: RoomId,
    message: Message,
}

struct Log<'a> {
    context: &'a Context,
    project: Project,
    room: Option<RoomId>,
    plan: Option<PlanId>,
    filter: Filter,
    followed: BTreeMap<RoomId, Follower>,
}

impl Log<'_> {
    fn rooms(&self) -> anyhow::Result<Vec<Room>> {
        Ok(match (&self.room, &self.plan) {
            (Some(room), _) => vec![Room::open(&self.project, room).exit(Exit::Usage)?],
            (None, Some(plan)) => {
                room::of_plan(&self.project, plan)?.into_iter().map(|(room, _)| room).collect()
            }
            (None, None) => Room::list(&self.project)?,
        })
    }

    /// The newest messages of all rooms, by time. Also remembers where to go on.
    fn newest(&mut self, last: Option<usize>) -> anyhow::Result<Vec<Logged>> {
        let mut found = Vec::new();
        for room in self.rooms()? {
            let channel = room.channel();
            let end = std::fs::metadata(channel.path()).map_or(0, |metadata| metadata.len());
            let page = channel.newest(&self.filter, last.unwrap_or(usize::MAX), None)?;
            let room = room.id().clone();
            let mine = page.messages.into_iter();
            found.extend(mine.map(|message| Logged { room: room.clone(), message }));
            self.followed.entry(room).or_insert_with(|| Follower::new(channel.path(), end));
        }
        found.sort_by(|a, b| (a.message.ts, &a.message.id).cmp(&(b.message.ts, &b.message.id)));
        if let Some(last) = last {
            found.drain(..found.len().saturating_sub(last));
        }
        Ok(found)
    }

    fn tell(&self, messages: Vec<Logged>) -> anyhow::Result<()> {
        for logged in messages {
            if self.context.out.json {
                self.context.out.json_line(&logged)?;
            } else {
                self.context.out.lines(&view::message::message(&logged.room, &logged.message))?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, last: Option<usize>, config: &Config) -> anyhow::Result<Exit> {
        let (sender, changes) = channel();
        let mode = match config.watch {
            WatchMode::Auto => Mode::Auto,
            WatchMode::Poll => Mode::Poll,
        };
        let wake = sender.clone();
        let options = Options { mode, ..Options::default() };
        let watcher = Watcher::start(self.project.layout(), options, move |changed| {
            // After the end nobody listens.
            drop(wake.send(Some(changed)));
        })?;
        let mut signals = Signals::new([SIGINT, SIGTERM]).exit(Exit::Environment)?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            if signals.forever().next().is_some() {
                drop(sender.send(None));
            }
        })?;
        if self.room.is_none() {
            watcher.watch_rooms_folder()?;
        }
        self.watch_rooms(&watcher)?;
        let messages = self.newest(Some(last.unwrap_or(20)))?;
        self.tell(messages)?;
        while let Ok(Some(changed)) = changes.recv() {
            match changed {
                Changed::RoomChannel(_) => {}
                Changed::RoomsFolder | Changed::Rescan => self.watch_rooms(&watcher)?,
                _ => continue,
            }
            let messages = self.new_messages()?;
            self.tell(messages)?;
        }
        // Looking is over: that is no failure.
        Ok(Exit::Ok)
    }

    /// Watches rooms that appeared; their channels are followed from the start.
    fn watch_rooms(&mut self, watcher: &Watcher) -> anyhow::Result<()> {
        let first = self.followed.is_empty();
        for room in self.rooms()? {
            watcher.watch_room(room.id())?;
            if !first {
                let path = room.paths().channel();
                self.followed.entry(room.id().clone()).or_insert_with(|| Follower::new(&path, 0));
            }
        }
        Ok(())
    }

    fn new_messages(&mut self) -> anyhow::Result<Vec<Logged>> {
        let mut found = Vec::new();
        for (room, follower) in &mut self.followed {
            loop {
                let batch = follower.poll::<Message>(BATCH)?;
                let wanted = batch.lines.into_iter().filter(|message| self.filter.takes(message));
                found.extend(wanted.map(|message| Logged { room: room.clone(), message }));
                if !batch.more {
                    break;
                }
            }
        }
        found.sort_by(|a, b| (a.message.ts, &a.message.id).cmp(&(b.message.ts, &b.message.id)));
        Ok(found)
    }
}
