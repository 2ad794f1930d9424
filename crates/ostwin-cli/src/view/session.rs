//! What a session gets: its role, its settings with their sources, the sections of its prompt.

use ostwin_core::ids::RoleName;
use ostwin_runner::prompt::SectionReport;
use ostwin_runner::roles::ResolvedRole;
use ostwin_skills::resolve::{Asker, LeftOut, ResolvedSkill};
use serde_json::Value;

use super::figures;

/// Who the role is and where it was found.
pub(crate) fn role(role: &ResolvedRole) -> Vec<(&'static str, String)> {
    let spec = &role.spec;
    vec![
        ("role", role.name.to_string()),
        ("tier", role.tier.as_str().to_owned()),
        ("folder", role.dir.display().to_string()),
        ("prompt", role.prompt_file.display().to_string()),
        ("stands in", role.stands_in.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("is for", spec.description.clone().unwrap_or_default()),
        ("can", spec.capabilities.join(", ")),
    ]
}

/// One row per setting: name, value, source. `settings` is a record of values with their sources,
/// as `attempt.json` keeps it.
pub(crate) fn settings(settings: &Value) -> Vec<Vec<String>> {
    let Some(settings) = settings.as_object() else { return Vec::new() };
    let row = |(name, resolved): (&String, &Value)| {
        let value = resolved.get("value").unwrap_or(&Value::Null);
        vec![name.clone(), plain(value), source(resolved)]
    };
    settings.iter().map(row).collect()
}

/// A value for reading: text as it is, nothing as `-`, everything else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Where a resolved value came from: `project .agents/config.json:3`.
pub(crate) fn source(resolved: &Value) -> String {
    let part = |name| resolved.get("source")?.get(name)?.as_str();
    let kind = part("kind").unwrap_or_default().replace('_', " ");
    match part("place") {
        Some(place) => format!("{kind} {place}"),
        None => kind,
    }
}

/// One row per section of a prompt: name, size, limit, priority, whether it was cut, source.
pub(crate) fn sections(sections: &[SectionReport]) -> Vec<Vec<String>> {
    let row = |section: &SectionReport| {
        vec![
            section.id.to_owned(),
            size(section.bytes),
            section.budget.map(size).unwrap_or_default(),
            section.priority.map_or_else(|| "always".to_owned(), |priority| priority.to_string()),
            if section.cut { "cut".to_owned() } else { String::new() },
            section.source.clone(),
        ]
    };
    sections.iter().map(row).collect()
}

/// One row per skill that a session of `role` gets: name, tier, who asked, folder. That a skill is
/// there only because it is named is said beside who names it.
pub(crate) fn skills(skills: &[ResolvedSkill], role: &RoleName) -> Vec<Vec<String>> {
    let row = |skill: &ResolvedSkill| {
        let roles = &skill.applicable_roles;
        let mut asked = askers(&skill.asked_by);
        if !roles.is_empty() && !roles.contains(role) {
            let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
            asked.push_str(&format!(
                " (which counts more than that it is for {})",
                roles.join(", ")
            ));
        }
        vec![
            skill.name.to_string(),
            skill.tier.as_str().to_owned(),
            asked,
            skill.place.path().display().to_string(),
        ]
    };
    skills.iter().map(row).collect()
}

/// One row per skill that it does not get: name, who asked, why not.
pub(crate) fn left_out(skills: &[LeftOut]) -> Vec<Vec<String>> {
    let row =
        |left: &LeftOut| vec![left.name.clone(), askers(&left.asked_by), left.why.to_string()];
    skills.iter().map(row).collect()
}

fn askers(askers: &[Asker]) -> String {
    askers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A length in memory for reading.
pub(crate) fn size(bytes: usize) -> String {
    figures::bytes(u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::table;

    #[test]
    fn every_value_stands_beside_its_source() {
        let values = json!({
            "agent": {"value": "codex", "source": {"kind": "project", "place": "config.json:3"}},
            "model": {"value": null, "source": {"kind": "shipped"}},
            "env_allow": {"value": ["A"], "source": {"kind": "role_file", "place": "qa/role.json"}},
        });
        let shown = table::table(&["setting", "value", "from"], &settings(&values), None);
        insta::assert_snapshot!(shown, @r#"
        SETTING    VALUE  FROM
        agent      codex  project config.json:3
        model      -      shipped
        env_allow  ["A"]  role file qa/role.json
        "#);
        assert_eq!(settings(&Value::Null), Vec::<Vec<String>>::new());
    }

    #[test]
    fn sections_tell_what_was_cut_and_what_never_is() {
        let section = |id, priority, budget, bytes, cut| SectionReport {
            id,
            source: "`brief.md`".to_owned(),
            priority,
            budget,
            bytes,
            cut,
        };
        let report = [
            section("brief", Some(1), Some(16_384), 16_384, true),
            section("contract", None, None, 900, false),
        ];
        let head = ["section", "size", "at most", "priority", "", "source"];
        insta::assert_snapshot!(table::table(&head, &sections(&report), None), @r"
        SECTION   SIZE      AT MOST   PRIORITY       SOURCE
        brief     16.0 KiB  16.0 KiB  1         cut  `brief.md`
        contract  900 B               always         `brief.md`
        ");
    }
}
