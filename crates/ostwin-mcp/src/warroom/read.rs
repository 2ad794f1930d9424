//! `read_messages` and `get_latest`: what was said in the room.

use ostwin_core::channel::{Filter, Page};
use ostwin_core::ids::{RoleRef, SignalName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use crate::args::{Number, Text, Whole};
use crate::bounds::fit_list;
use crate::error::ToolError;
use crate::message::View;
use crate::waiting::Waiting;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadMessages {
    /// Of this type only.
    #[serde(default, rename = "type")]
    kind: Option<SignalName>,
    /// From this role only.
    #[serde(default)]
    from: Option<RoleRef>,
    /// To this role only.
    #[serde(default)]
    to: Option<RoleRef>,
    /// About this only, such as an epic's id.
    #[serde(default, rename = "ref")]
    reference: Option<Text<1, 256>>,
    /// Only this many of the newest.
    #[serde(default)]
    last_n: Option<Whole<1, 200>>,
    /// Only what came behind this number, oldest first: `newest_seq` of the answer before, to
    /// follow the room.
    #[serde(default)]
    after: Option<Number>,
    /// Only what came before this number: `oldest_seq` of the answer before, to go back.
    #[serde(default)]
    before: Option<Number>,
    /// At most this many in one answer; 20 if left out.
    #[serde(default)]
    limit: Option<Whole<1, 200>>,
    /// Holding this text, in any case.
    #[serde(default)]
    q: Option<Text<1, 256>>,
    /// At most this many characters of each body.
    #[serde(default)]
    body_chars: Option<Whole<0, 65536>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Messages {
    /// The messages, oldest first.
    messages: Vec<View>,
    /// The number of the first one; pass it as `before` to go back.
    oldest_seq: Option<u64>,
    /// The number of the last one; pass it as `after` to go on.
    newest_seq: Option<u64>,
    /// Whether there are more: newer ones if you asked with `after`, else older ones.
    more: bool,
    /// Lines of the channel that could not be read.
    skipped_lines: usize,
}

pub(super) fn read_messages(
    desk: &Desk,
    args: ReadMessages,
    _: &Waiting,
) -> Result<Messages, ToolError> {
    let filter = Filter {
        kind: args.kind,
        from: args.from.map(|role| role.to_string()),
        to: args.to.map(|role| role.to_string()),
        reference: args.reference.map(Text::into_string),
        text: args.q.map(Text::into_string),
    };
    let limit = args.last_n.or(args.limit).map_or(20, Whole::count);
    let limit = args.limit.map_or(limit, |most| limit.min(most.count()));
    let channel = desk.room.channel();
    let before = args.before.map(Number::get);
    let is_forward = match (args.after, args.last_n, before) {
        (Some(_), None, None) => true,
        (Some(_), _, _) => {
            let text = "`after` goes forward, `before` and `last_n` go back from the newest: give \
                        only one of them";
            return Err(ToolError::invalid("after", text));
        }
        (None, _, _) => false,
    };
    let page = match args.after {
        Some(after) => channel.after(&filter, after.get(), limit)?,
        None => channel.newest(&filter, limit, before)?,
    };
    Ok(answer(page, args.body_chars.map(Whole::count), is_forward))
}

/// A page as it fits into an answer: what does not fit is left for the next one.
fn answer(page: Page, body_chars: Option<usize>, is_forward: bool) -> Messages {
    let mut messages: Vec<View> =
        page.messages.into_iter().map(|message| View::new(message, body_chars)).collect();
    let cut = if is_forward {
        fit_list(&mut messages)
    } else {
        messages.reverse();
        let cut = fit_list(&mut messages);
        messages.reverse();
        cut
    };
    Messages {
        oldest_seq: messages.first().map(|message| message.seq),
        newest_seq: messages.last().map(|message| message.seq),
        more: page.more || cut,
        messages,
        skipped_lines: page.skipped,
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetLatest {
    /// Of this type, such as `task`, `fix` or `done`.
    #[serde(rename = "type")]
    kind: SignalName,
    /// From this role only.
    #[serde(default)]
    from: Option<RoleRef>,
    /// About this only, such as an epic's id.
    #[serde(default, rename = "ref")]
    reference: Option<Text<1, 256>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Latest {
    /// The message; null if there is none.
    message: Option<View>,
    /// Lines of the channel, behind the message, that could not be read.
    skipped_lines: usize,
}

pub(super) fn get_latest(desk: &Desk, args: GetLatest, _: &Waiting) -> Result<Latest, ToolError> {
    let filter = Filter {
        kind: Some(args.kind),
        from: args.from.map(|role| role.to_string()),
        reference: args.reference.map(Text::into_string),
        ..Filter::default()
    };
    let page = desk.room.channel().newest(&filter, 1, None)?;
    let message = page.messages.into_iter().next_back().map(|message| View::new(message, None));
    Ok(Latest { message, skipped_lines: page.skipped })
}
