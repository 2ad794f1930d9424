//! Where a Git working tree stands, for the record of an attempt.
//!
//! Rooms share their working directory, so this does not say what an attempt changed; it says what
//! it found and what was there when it had ended. Only `git` itself can tell that rightly.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ostwin_core::room::WorkTree;

use crate::process::async_command;

/// A tree that takes longer to look at is left out.
const PATIENCE: Duration = Duration::from_secs(10);

/// The working tree around `dir`; `None` outside of one, without Git, or if Git takes too long.
pub async fn work_tree(dir: &Path) -> Option<WorkTree> {
    // Most folders that are none are known without starting a program.
    dir.ancestors().find(|above| above.join(".git").exists())?;
    let mut git = async_command("git");
    git.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(["--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z"])
        .args(["--no-renames", "--untracked-files=normal"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, git.output()).await {
        Ok(Ok(output)) if output.status.success() => output,
        Ok(Ok(output)) => {
            tracing::debug!(dir = %dir.display(), status = %output.status, "git gives no status");
            return None;
        }
        Ok(Err(error)) => {
            tracing::debug!(dir = %dir.display(), %error, "git cannot be run");
            return None;
        }
        Err(_) => {
            tracing::warn!(dir = %dir.display(), "git takes too long; the tree is not recorded");
            return None;
        }
    };
    Some(parse(&output.stdout))
}

/// Reads what `git status --porcelain=v2 --branch -z --no-renames` prints.
fn parse(output: &[u8]) -> WorkTree {
    let mut commit = None;
    let mut dirty = Vec::new();
    for record in output.split(|byte| *byte == 0) {
        let record = String::from_utf8_lossy(record);
        let Some((kind, rest)) = record.split_once(' ') else { continue };
        match kind {
            "#" => {
                if let Some(oid) = rest.strip_prefix("branch.oid ") {
                    commit = Some(oid.to_owned()).filter(|oid| oid != "(initial)");
                }
            }
            // Status, submodule, three modes, two hashes, path; an unmerged one has more.
            "1" => dirty.extend(rest.splitn(8, ' ').nth(7).map(str::to_owned)),
            "u" => dirty.extend(rest.splitn(10, ' ').nth(9).map(str::to_owned)),
            "?" => dirty.push(rest.to_owned()),
            _ => {}
        }
    }
    WorkTree::new(commit, dirty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read() {
        let status = "# branch.oid 0123abcd\0# branch.head main\0\
            1 .M N... 100644 100644 100644 aaa bbb src/with space.rs\0\
            u UU N... 100644 100644 100644 100644 aaa bbb ccc both.rs\0\
            ? new.txt\0! target/\0";
        let expected = ["both.rs", "new.txt", "src/with space.rs"].map(str::to_owned).to_vec();
        assert_eq!(
            parse(status.as_bytes()),
            WorkTree { commit: Some("0123abcd".to_owned()), dirty: expected, more: 0 }
        );
        assert_eq!(parse(b"# branch.oid (initial)\0"), WorkTree::default());
    }

    #[tokio::test]
    async fn a_folder_that_is_no_repository_has_no_tree() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(work_tree(dir.path()).await, None);
    }
}
