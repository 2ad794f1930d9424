//! Skills: what is there, what can be had, what was done.

use ostwin_core::ids::{RoleName, SkillName};
use ostwin_skills::install::{InstallError, Installed, Outcome, Report, Scope, State};
use ostwin_skills::offers::Offer;
use ostwin_skills::tiers::Entry;
use serde_json::{Value, json};

use super::{figures, table};

/// A skill and where it was installed from.
pub(crate) fn entry_json(entry: &Entry, record: Option<&Installed>) -> Value {
    json!({
        "skill": entry.skill,
        "tier": entry.tier,
        "role": entry.role,
        "path": entry.place.path(),
        "warnings": entry.warnings,
        "installed": record.map(|record| &record.entry),
        "state": record.map(|record| record.state),
    })
}

/// Skill, version, tier, origin, description.
pub(crate) fn row(entry: &Entry, record: Option<&Installed>) -> Vec<String> {
    let tier = match &entry.role {
        Some(role) => format!("{} {role}", entry.tier.as_str()),
        None => entry.tier.as_str().to_owned(),
    };
    let from = record.map_or_else(String::new, |record| match record.state {
        State::Edited => format!("{} (changed since)", record.entry.source),
        State::Intact | State::Missing => record.entry.source.clone(),
    });
    vec![
        entry.skill.name.to_string(),
        entry.skill.version.clone().unwrap_or_default(),
        tier,
        from,
        entry.skill.description.clone(),
    ]
}

/// A skill that can be had.
pub(crate) fn offer_json(offer: &Offer<'_>) -> Value {
    let card = offer.card();
    json!({
        "name": card.name,
        "description": card.description,
        "tags": card.tags,
        "version": offer.version(),
        "tier": offer.tier(),
    })
}

/// Skill, version, place, description.
pub(crate) fn offer_row(offer: &Offer<'_>) -> Vec<String> {
    let card = offer.card();
    let version = offer.version().unwrap_or_default().to_owned();
    vec![card.name.to_owned(), version, offer.tier().to_owned(), card.description.to_owned()]
}

/// What was done, or would be.
pub(crate) fn report(report: &Report) -> String {
    let whom = match (report.scope, &report.role) {
        (Scope::User, _) => "for all your projects".to_owned(),
        (Scope::Project, None) => "for this project".to_owned(),
        (Scope::Project, Some(role)) => format!("for the role `{role}` of this project"),
    };
    let done = match (report.outcome, report.dry_run) {
        (Outcome::Added, false) => "installed",
        (Outcome::Added, true) => "would install",
        (Outcome::Replaced, false) => "replaced",
        (Outcome::Replaced, true) => "would replace",
        (Outcome::Unchanged, _) => "already there:",
    };
    let version = report.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let files = report.files.len();
    let replaces = report.replaced.as_ref().map_or_else(String::new, |replaced| {
        let version = replaced.version.as_ref().map(|version| format!("version {version}"));
        let source = replaced.source.as_ref().map(|source| format!("from {source}"));
        let known: Vec<String> = version.into_iter().chain(source).collect();
        if known.is_empty() { "one that nobody installed".to_owned() } else { known.join(" ") }
    });
    let mut out = format!("{done} `{}`{version} {whom}\n", report.name);
    out.push_str(&table::pairs(&[
        ("from", report.source.clone()),
        ("index", report.registry.clone().unwrap_or_default()),
        ("revision", report.revision.clone().unwrap_or_default()),
        ("into", report.path.display().to_string()),
        ("replaces", replaces),
        ("files", format!("{}, {}", figures::plural(files, "file"), figures::bytes(report.bytes))),
        ("left out", report.left_out.join(", ")),
        ("sha256", report.sha256.clone()),
    ]));
    if report.dry_run {
        let rows: Vec<Vec<String>> = report
            .files
            .iter()
            .map(|file| {
                let runs = if file.executable { "may be run" } else { "" };
                vec![file.path.clone(), figures::bytes(file.bytes), runs.to_owned()]
            })
            .collect();
        out.push('\n');
        out.push_str(&table::table(&["file", "size", ""], &rows, None));
    }
    out
}

/// How the update of one skill went.
pub(crate) fn update_json(
    name: &SkillName,
    role: Option<&RoleName>,
    outcome: &Result<Report, InstallError>,
) -> Value {
    match outcome {
        Ok(report) => {
            json!({"name": name, "role": role, "outcome": report.outcome, "report": report})
        }
        Err(error) => {
            json!({"name": name, "role": role, "outcome": "failed", "error": error.to_string()})
        }
    }
}

/// Skill, role, how its update went.
pub(crate) fn update_row(
    name: &SkillName,
    role: Option<&RoleName>,
    outcome: &Result<Report, InstallError>,
) -> Vec<String> {
    let told = match outcome {
        Ok(Report { outcome: Outcome::Unchanged, .. }) => "up to date".to_owned(),
        Ok(report) => {
            let done = if report.dry_run { "would be updated" } else { "updated" };
            let old = report.replaced.as_ref().and_then(|replaced| replaced.version.clone());
            match (old, &report.version) {
                (Some(old), Some(new)) if old != *new => format!("{done}: {old} -> {new}"),
                _ => done.to_owned(),
            }
        }
        Err(error) => format!("failed: {error}"),
    };
    vec![name.to_string(), role.map(ToString::to_string).unwrap_or_default(), told]
}

#[cfg(test)]
mod tests {
    use ostwin_skills::install::{Replaced, ReportedFile};

    use super::*;

    fn example() -> Report {
        Report {
            name: "testing".parse().unwrap(),
            scope: Scope::Project,
            role: None,
            outcome: Outcome::Replaced,
            dry_run: true,
            path: "/p/.agents/skills/testing".into(),
            source: "https://example.org/skills.git@v2#testing".to_owned(),
            registry: None,
            revision: Some("0123abcd".to_owned()),
            version: Some("2".to_owned()),
            sha256: "feed".to_owned(),
            files: vec![
                ReportedFile { path: "SKILL.md".to_owned(), bytes: 900, executable: false },
                ReportedFile { path: "run.sh".to_owned(), bytes: 4_096, executable: true },
            ],
            bytes: 4_996,
            left_out: vec![".env".to_owned()],
            warnings: Vec::new(),
            replaced: Some(Replaced {
                version: Some("1".to_owned()),
                sha256: None,
                source: Some("./old".to_owned()),
            }),
        }
    }

    #[test]
    fn a_report_tells_what_comes_from_where() {
        insta::assert_snapshot!(report(&example()), @r"
        would replace `testing` 2 for this project
        from      https://example.org/skills.git@v2#testing
        revision  0123abcd
        into      /p/.agents/skills/testing
        replaces  version 1 from ./old
        files     2 files, 4.9 KiB
        left out  .env
        sha256    feed

        FILE      SIZE
        SKILL.md  900 B
        run.sh    4.0 KiB  may be run
        ");
        let added = Report { outcome: Outcome::Added, dry_run: false, replaced: None, ..example() };
        assert!(report(&added).starts_with("installed `testing` 2 for this project\n"));
    }

    #[test]
    fn an_update_tells_both_versions() {
        let name = "testing".parse().unwrap();
        let told = |outcome| update_row(&name, None, &outcome)[2].clone();
        assert_eq!(told(Ok(example())), "would be updated: 1 -> 2");
        let same = Report { outcome: Outcome::Unchanged, ..example() };
        assert_eq!(told(Ok(same)), "up to date");
        let error = InstallError::Nothing { path: "/x".into() };
        assert_eq!(told(Err(error)), "failed: there is nothing at `/x`");
    }
}
