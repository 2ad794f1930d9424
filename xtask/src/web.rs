//! The web app: installed, checked, built and tried by npm, in its own folder.
//!
//! The dashboard embeds what `web/dist` holds when it is compiled. Without Node.js it is compiled
//! all the same, and says how to get the app; only continuous integration insists.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::SystemTime;

use crate::cargo::{Profile, built, command, variable, workspace};
use crate::steps::{lack, run, skip};

/// Fails where Node.js is missing or older than the tools of the app need.
const PROBE: &str = "const [major, minor] = process.versions.node.split('.').map(Number); \
                     process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)";

/// Where browsers of Chromium's family are found, first choice first.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Builds the app if something of it has changed since it was built last.
///
/// # Errors
/// It is there and cannot be built, or cannot be there in continuous integration: the code to exit
/// with.
pub(crate) fn build() -> Result<(), ExitCode> {
    if !install()? {
        return Ok(());
    }
    if is_built() { Ok(()) } else { run("web app", &mut npm(&["run", "build"])) }
}

/// Lints, types, unit tests, and whether the types of the API are those of its document.
///
/// # Errors
/// As [`build`].
pub(crate) fn check() -> Result<(), ExitCode> {
    if !install()? {
        return Ok(());
    }
    run("web app, types of the API", &mut npm(&["run", "gen", "--", "--check"]))?;
    run("web app, checks", &mut npm(&["run", "check"]))
}

/// The app in a real browser, over the binaries that were built. Where there is no browser it is
/// left out; only continuous integration insists.
///
/// # Errors
/// As [`build`].
pub(crate) fn try_in_a_browser() -> Result<(), ExitCode> {
    const STEP: &str = "web app in a browser";
    if !install()? {
        return Ok(());
    }
    let Some(browser) = browser() else {
        return do_without(STEP, "no Chromium is installed (Debian: `apt-get install chromium`)");
    };
    let bin = built("ostwin", Profile::Dev);
    let mut specs = npm(&["run", "e2e"]);
    specs.env("OSTWIN_BROWSER", browser).env("OSTWIN_BIN_DIR", bin.parent().unwrap_or(&bin));
    run(STEP, &mut specs)
}

/// Installs what the lock file names if that has changed; whether it is there.
fn install() -> Result<bool, ExitCode> {
    const STEP: &str = "web app, packages";
    let lock = folder().join("package-lock.json");
    let mark = folder().join("node_modules").join(".installed");
    let wanted = std::fs::read(&lock).ok();
    if wanted.is_some() && wanted == std::fs::read(&mark).ok() {
        return Ok(true);
    }
    let mut probe = command("node");
    let probe = probe.args(["-e", PROBE]).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        return do_without(STEP, "Node.js 20.19 or later is not installed").map(|()| false);
    }
    if run(STEP, &mut npm(&["ci", "--loglevel=error"])).is_err() {
        return do_without(STEP, "the installation failed; it needs a network").map(|()| false);
    }
    match std::fs::copy(&lock, &mark) {
        Ok(_) => Ok(true),
        Err(error) => {
            do_without(STEP, &format!("cannot be marked as installed: {error}")).map(|()| false)
        }
    }
}

fn do_without(step: &str, reason: &str) -> Result<(), ExitCode> {
    if variable("CI").is_some() {
        lack(step, reason);
        return Err(ExitCode::from(6));
    }
    skip(step, reason);
    Ok(())
}

/// Whether nothing that the app is made from is newer than what was built of it.
fn is_built() -> bool {
    let built = std::fs::metadata(folder().join("dist").join("index.html"));
    let Ok(built) = built.and_then(|page| page.modified()) else { return false };
    newest(&folder()).is_ok_and(|newest| newest.is_none_or(|newest| newest < built))
}

/// When the newest file was changed, of those that the app is made from.
fn newest(folder: &Path) -> io::Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let made = ["node_modules", "dist", "e2e", "test-results"].map(OsStr::new);
        if made.contains(&entry.file_name().as_os_str()) {
            continue;
        }
        let found = match entry.file_type()?.is_dir() {
            true => self::newest(&entry.path())?,
            false => Some(entry.metadata()?.modified()?),
        };
        newest = newest.max(found);
    }
    Ok(newest)
}

/// The browser that the environment names, else the first that is on the path.
fn browser() -> Option<PathBuf> {
    if let Some(named) = variable("OSTWIN_BROWSER") {
        return Some(named.into());
    }
    let path = variable("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = BROWSERS.iter().flat_map(|name| folders.iter().map(move |it| it.join(name)));
    places.into_iter().find(|place| place.is_file())
}

fn folder() -> PathBuf {
    workspace().join("web")
}

fn npm(args: &[&str]) -> Command {
    let mut npm = command("npm");
    npm.args(args).current_dir(folder()).stdin(Stdio::null());
    npm
}
