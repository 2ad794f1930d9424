//! `logs`: the channels of rooms, merged by time, and what comes next.

mod follow;

use std::collections::BTreeMap;

use ostwin_core::channel::{Filter, Message};
use ostwin_core::ids::{PlanId, RoomId};
use ostwin_core::jsonl::Follower;
use ostwin_core::project::Project;
use ostwin_core::room::{self, Room};
use ostwin_service::{Exit, Explain};
use serde::Serialize;

use crate::args::LogsArgs;
use crate::context::{Context, stored_plan};
use crate::out::remark;
use crate::view;
use crate::view::figures::plural;

/// How many messages are shown unless somebody says how many.
const NEWEST: usize = 200;
/// How many of them before new ones are waited for.
const NEWEST_BEFORE_FOLLOWING: usize = 20;
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
        return log.follow(args.last.unwrap_or(NEWEST_BEFORE_FOLLOWING), &settings.config);
    }
    let newest = log.newest(args.last.unwrap_or(NEWEST))?;
    let count = newest.messages.len();
    log.tell(newest.messages)?;
    if count == 0 && !context.out.json {
        remark("no message");
    }
    if newest.more && args.last.is_none() {
        remark(&format!("these are the newest {count}; `--last N` shows more"));
    }
    if newest.skipped > 0 {
        let lines = plural(newest.skipped, "line");
        remark(&format!("{lines} cannot be read; `ostwin doctor` says where"));
    }
    Ok(Exit::Ok)
}

/// One message and the room it was posted in.
#[derive(Debug, PartialEq, Serialize)]
struct Logged {
    room: RoomId,
    #[serde(flatten)]
    message: Message,
}

/// The newest messages, by time.
#[derive(Debug, Default)]
struct Newest {
    messages: Vec<Logged>,
    /// There are older ones.
    more: bool,
    /// Lines that could not be read.
    skipped: usize,
}

/// The channel of a room, as far as it has been shown.
#[derive(Debug)]
struct Followed {
    follower: Follower,
    /// The number of the last message that was shown.
    seq: u64,
}

struct Log<'a> {
    context: &'a Context,
    project: Project,
    room: Option<RoomId>,
    plan: Option<PlanId>,
    filter: Filter,
    followed: BTreeMap<RoomId, Followed>,
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

    /// The newest messages of all rooms, and where each room goes on.
    fn newest(&mut self, last: usize) -> anyhow::Result<Newest> {
        let mut newest = Newest::default();
        for room in self.rooms()? {
            let channel = room.channel();
            // What is posted between this look and the next one is read twice, and told by its
            // number.
            let end = std::fs::metadata(channel.path()).map_or(0, |metadata| metadata.len());
            let page = channel.newest(&self.filter, last, None)?;
            newest.more |= page.more;
            newest.skipped += page.skipped;
            let seq = page.messages.last().map_or(0, |message| message.seq);
            let followed = Followed { follower: Follower::new(channel.path(), end), seq };
            self.followed.insert(room.id().clone(), followed);
            let logged = |message| Logged { room: room.id().clone(), message };
            newest.messages.extend(page.messages.into_iter().map(logged));
        }
        sort(&mut newest.messages);
        let older = newest.messages.len().saturating_sub(last);
        newest.messages.drain(..older);
        newest.more |= older > 0;
        Ok(newest)
    }

    /// What was posted since the last look.
    fn news(&mut self) -> anyhow::Result<Vec<Logged>> {
        let mut found = Vec::new();
        for (room, Followed { follower, seq }) in &mut self.followed {
            loop {
                let batch = follower.poll::<Message>(BATCH)?;
                if batch.restarted {
                    *seq = 0;
                }
                for message in batch.lines {
                    if message.seq > *seq && self.filter.takes(&message) {
                        *seq = message.seq;
                        found.push(Logged { room: room.clone(), message });
                    }
                }
                if !batch.more {
                    break;
                }
            }
        }
        sort(&mut found);
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
}

/// By time; what has the same time by id, which is in the order of posting too.
fn sort(messages: &mut [Logged]) {
    messages.sort_by(|a, b| (a.message.ts, &a.message.id).cmp(&(b.message.ts, &b.message.id)));
}
