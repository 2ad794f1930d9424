//! `doctor`: are this project and this machine in order? Each finding comes with its fix.

use std::time::Duration;

use ostwin_core::config::{self, Config, Places};
use ostwin_core::env;
use ostwin_core::health::{self, Finding, Severity};
use ostwin_core::layout::Layout;
use ostwin_core::lock;
use ostwin_core::project::Project;
use ostwin_core::redact::{Secrets, is_secret_name};
use ostwin_runner::agents::{Programs, list_agents};
use ostwin_runner::mcp;
use ostwin_service::Exit;
use ostwin_watch::unreported;

use crate::context::Context;
use crate::view::line::{Line, Style};

pub(crate) fn doctor(context: &Context) -> anyhow::Result<Exit> {
    let layout = context.base.layout()?;
    let mut findings = Vec::new();
    let config = settings(&layout, &mut findings);
    machine(&layout, &config, &mut findings);
    let project = Project::configured(layout, &config, Secrets::of_this_process())?;
    findings.extend(health::examine(&project)?);

    if context.out.json {
        context.out.json(&findings)?;
    } else {
        context.out.lines(&shown(&findings))?;
    }
    let problems = findings.iter().any(|finding| finding.severity == Severity::Problem);
    Ok(if problems { Exit::NotPassed } else { Exit::Ok })
}

/// The settings in force; the shipped ones where a file is broken, so that the rest is still
/// looked at.
fn settings(layout: &Layout, findings: &mut Vec<Finding>) -> Config {
    match config::load(&Places::of_process(Some(layout)), Vec::new()) {
        Ok(loaded) => {
            findings.push(Finding::ok("settings", "valid"));
            for warning in loaded.warnings {
                let fix = "unset it if it was meant for ostwin";
                findings.push(Finding::note("settings", warning.to_string(), fix));
            }
            loaded.settings.config
        }
        Err(error) => {
            let fix = "mend the file; `ostwin config list --keys` lists every setting";
            findings.push(Finding::problem("settings", error.to_string(), fix));
            Config::default()
        }
    }
}

fn machine(layout: &Layout, config: &Config, findings: &mut Vec<Finding>) {
    let programs = Programs::of_this_process();
    for server in mcp::OWN.map(mcp::own_program) {
        findings.push(match programs.find(&server) {
            Some(path) => Finding::ok(server, path.display().to_string()),
            None => {
                let fix = format!(
                    "build it (`cargo build --bin {server}`), or name its folder in OSTWIN_BIN_DIR"
                );
                Finding::problem(server, "not found beside this executable or on PATH", fix)
            }
        });
    }
    let agents = list_agents(&config.agents, &programs);
    let found: Vec<&str> =
        agents.iter().filter(|a| a.program.is_some()).map(|a| a.name.as_str()).collect();
    let subject = "agents";
    findings.push(match &config.default_agent {
        Some(name) if found.contains(&name.as_str()) => {
            Finding::ok(subject, format!("`{name}` is used; found: {}", found.join(", ")))
        }
        Some(name) => Finding::problem(
            subject,
            format!("the program of `{name}`, the default agent, was not found"),
            format!("install it, or set `agents.{name}.command`"),
        ),
        None => Finding::note(
            subject,
            format!("no default agent is set; found: {}", found.join(", ")),
            "`ostwin config set default_agent NAME`, or `ostwin run --agent NAME`",
        ),
    });
    findings.extend(keys(config, &found));
    findings.push(match unreported(layout.root()) {
        None => Finding::ok("file system", "changes are reported by events"),
        Some(kind) => Finding::note(
            "file system",
            format!("{kind} does not report all changes: files are polled every 2 s"),
            "put the project on a local disk for less delay",
        ),
    });
    findings.push(locking(layout));
}

/// Which keys the agents that are here would find: their names, never their values.
fn keys(config: &Config, found: &[&str]) -> Vec<Finding> {
    let agents = config.agents.iter().filter(|(name, _)| found.contains(&name.as_str()));
    agents
        .filter_map(|(name, agent)| {
            let is_default = config.default_agent.as_ref() == Some(name);
            let wanted = agent.env_allow.iter().filter(|variable| is_secret_name(variable));
            let (set, unset): (Vec<&str>, Vec<&str>) =
                wanted.map(String::as_str).partition(|key| {
                    agent.env.contains_key(*key)
                        || env::var_os(key).is_some_and(|value| !value.is_empty())
                });
            let subject = format!("keys of {name}");
            match (set.as_slice(), unset.as_slice()) {
                ([], []) => None,
                ([], unset) if is_default => Some(Finding::note(
                    subject,
                    format!("none of {} is set", unset.join(", ")),
                    "nothing to do if it is logged in; `ostwin agent test` shakes hands with it",
                )),
                ([], _) => None,
                (set, _) => Some(Finding::ok(subject, format!("{} set", set.join(", ")))),
            }
        })
        .collect()
}

/// Tries the lock that everything relies on, where it is used.
fn locking(layout: &Layout) -> Finding {
    let subject = "locks";
    let path = layout.probe_lock();
    let tried = lock::exclusive(&path, Duration::from_secs(1), || lock::is_held(&path));
    let removed = ostwin_core::fs::remove_file(&path);
    match (tried, removed) {
        (Ok(Ok(true)), Ok(())) => Finding::ok(subject, "held and seen as held"),
        (Ok(Ok(false)), _) => Finding::problem(
            subject,
            "a lock that is held is not seen as held",
            "this mount does not honour flock: put the project on a local disk or NFSv4",
        ),
        (Ok(Err(error)) | Err(error), _) => {
            Finding::problem(subject, error.to_string(), "check permissions and free space")
        }
        (_, Err(error)) => {
            Finding::problem(subject, error.to_string(), "check permissions and free space")
        }
    }
}

fn shown(findings: &[Finding]) -> Vec<Line> {
    let mut lines = Vec::new();
    for finding in findings {
        let (mark, style) = match finding.severity {
            Severity::Ok => ("ok     ", Style::Green),
            Severity::Note => ("note   ", Style::Yellow),
            Severity::Problem => ("problem", Style::BoldRed),
        };
        let text = format!("  {}: {}", finding.subject, finding.found);
        lines.push(Line::new().with(style, mark).with(Style::Plain, text));
        if let Some(fix) = &finding.fix {
            lines.push(Line::new().with(Style::Dim, format!("           {fix}")));
        }
    }
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let summary = format!(
        "{} looked at: {} notes, {} problems",
        findings.len(),
        count(Severity::Note),
        count(Severity::Problem)
    );
    lines.push(Line::new().with(Style::Bold, summary));
    lines
}
