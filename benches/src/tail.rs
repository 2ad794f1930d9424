//! Reading the newest messages of a long channel.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use anyhow::Result;
use ostwin_core::channel::{Channel, DEFAULT_MAX_MESSAGE_BYTES, Draft, Filter};
use ostwin_core::store::{Durability, Store};

use crate::samples::Samples;
use crate::table::Table;

const MESSAGES: usize = 10_000;
const NEWEST: usize = 20;

pub(crate) fn bench() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("messages");
    let channel = Channel::new(path.clone());
    let store = Store::new(Durability::Os, Duration::from_secs(5));
    let draft = Draft {
        attempt: None,
        from: "engineer".parse()?,
        to: "manager".parse()?,
        kind: "note".parse()?,
        reference: None,
        body: "Step three of seven is done. ".repeat(8),
        data: None,
    };
    for _ in 0..MESSAGES {
        channel.post(&store, draft.clone(), &[], DEFAULT_MAX_MESSAGE_BYTES)?;
    }
    let length = std::fs::metadata(&path)?.len();
    let needed = length / u64::try_from(MESSAGES)? * u64::try_from(NEWEST)?;
    let bare = Samples::take(2_000, || -> Result<Vec<u8>> {
        let mut file = std::fs::File::open(&path)?;
        file.seek(SeekFrom::Start(length - needed))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    })?;
    let filter = Filter::default();
    let newest = Samples::take(2_000, || channel.newest(&filter, NEWEST, None))?;
    let title = format!("the last {NEWEST} of {MESSAGES} messages ({} KiB)", length / 1024);
    let mut table = Table::new(title);
    table.row("bare read of their bytes", &bare, "");
    table.row("read and parsed", &newest, "(target 0.5 ms)");
    table.print()
}
