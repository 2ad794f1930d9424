use std::collections::BTreeSet;
use std::path::PathBuf;

use ostwin_core::config::Preflight;
use ostwin_core::ids::{RoleName, SkillName};
use proptest::prelude::*;

use super::*;
use crate::format::{Skill, TrustLevel};
use crate::place::SkillPlace;
use crate::tiers::{Broken, Catalog, Entry, Tier};

fn name(text: &str) -> SkillName {
    SkillName::new(text).unwrap()
}

fn skill(text: &str, builds_on: &[&str]) -> Skill {
    let dependencies = builds_on.iter().map(|below| name(below)).collect();
    Skill { dependencies, ..Skill::new(name(text), format!("About {text}.")) }
}

fn entry(tier: Tier, skill: Skill) -> Entry {
    let place = SkillPlace::Folder(PathBuf::from(format!("/{}/{}", tier.as_str(), skill.name)));
    Entry { skill, tier, role: None, place, warnings: Vec::new() }
}

fn catalog(mut skills: Vec<Entry>) -> Catalog {
    skills.sort_by(|a, b| (a.tier, &a.skill.name).cmp(&(b.tier, &b.skill.name)));
    Catalog { skills, broken: Vec::new(), searched: vec!["project `/project`".to_owned()] }
}

fn shipped(skills: &[(&str, &[&str])]) -> Catalog {
    catalog(skills.iter().map(|(name, below)| entry(Tier::Shipped, skill(name, below))).collect())
}

fn by_role(names: &[&str]) -> Vec<Reference> {
    let by = Asker::at("role.json", "qa");
    names.iter().map(|text| Reference { name: name(text), by: by.clone() }).collect()
}

fn ask(references: &[Reference], disabled: &[Reference], catalog: &Catalog) -> Resolution {
    try_ask(references, disabled, catalog).unwrap()
}

fn try_ask(
    references: &[Reference],
    disabled: &[Reference],
    catalog: &Catalog,
) -> Result<Resolution, CircleError> {
    let servers = BTreeSet::from(["warroom".to_owned()]);
    let role = RoleName::new("qa").unwrap();
    let gates =
        Gates { role: &role, platform: "linux", servers: &servers, allow_experimental: false };
    resolve(&Request { references, disabled, gates }, catalog)
}

fn given(resolution: &Resolution) -> Vec<&str> {
    resolution.skills.iter().map(|skill| skill.name.as_str()).collect()
}

fn left_out(resolution: &Resolution) -> Vec<String> {
    resolution.left_out.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_named_comes_with_what_it_builds_on_and_says_who_asked() {
    let catalog = shipped(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[]), ("unused", &[])]);
    let mut references = by_role(&["a"]);
    references.push(Reference { name: name("b"), by: Asker::at("epic", "config.json") });
    let resolution = ask(&references, &[], &catalog);
    let told: Vec<(&str, Vec<String>)> = resolution
        .skills
        .iter()
        .map(|skill| {
            let askers = skill.asked_by.iter().map(ToString::to_string).collect();
            (skill.name.as_str(), askers)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a", vec!["role.json qa".to_owned()]),
            ("b", vec!["skill `a`".to_owned(), "epic config.json".to_owned()]),
            ("c", vec!["skill `a`".to_owned(), "skill `b`".to_owned()]),
        ]
    );
    assert_eq!(resolution.left_out, []);
    let first = &resolution.skills[0];
    assert_eq!((first.tier, first.place.path()), (Tier::Shipped, PathBuf::from("/shipped/a")));
}

#[test]
fn a_folder_gives_what_is_for_the_role_and_a_far_tier_gives_nothing() {
    let qa = vec![RoleName::new("qa").unwrap()];
    let other = vec![RoleName::new("engineer").unwrap()];
    let catalog = catalog(vec![
        entry(Tier::Room, skill("of-room", &[])),
        entry(Tier::Role, skill("of-role", &[])),
        entry(Tier::Project, skill("for-all", &[])),
        entry(Tier::Project, Skill { applicable_roles: qa, ..skill("for-qa", &[]) }),
        entry(Tier::Project, Skill { applicable_roles: other, ..skill("for-others", &[]) }),
        entry(Tier::User, skill("of-user", &[])),
        entry(Tier::Shipped, skill("shipped", &[])),
    ]);
    let resolution = ask(&[], &[], &catalog);
    assert_eq!(given(&resolution), ["for-all", "for-qa", "of-role", "of-room"]);
    assert_eq!(
        left_out(&resolution),
        ["skill `for-others`, wanted by project folder: it is for `engineer`"]
    );
    assert_eq!(resolution.preflight(Preflight::Error), Ok(Vec::new()));
    let off = [Reference { name: name("for-all"), by: Asker::at("role", "roles.qa") }];
    let resolution = ask(&[], &off, &catalog);
    assert_eq!(given(&resolution), ["for-qa", "of-role", "of-room"]);
    assert_eq!(resolution.preflight(Preflight::Error), Ok(Vec::new()));
}

#[test]
fn who_names_a_skill_gets_it_whichever_roles_it_is_for() {
    let other = vec![RoleName::new("engineer").unwrap()];
    let for_others =
        |name, below: &[&str]| Skill { applicable_roles: other.clone(), ..skill(name, below) };
    let catalog = catalog(vec![
        entry(Tier::Project, skill("for-all", &["below"])),
        entry(Tier::Project, for_others("below", &[])),
        entry(Tier::Project, for_others("named", &[])),
        entry(Tier::Project, for_others("unnamed", &["of-unnamed"])),
        entry(Tier::Shipped, for_others("shipped", &["lowest"])),
        entry(Tier::Shipped, for_others("lowest", &[])),
        entry(Tier::Shipped, for_others("of-unnamed", &[])),
        entry(Tier::Shipped, Skill { enabled: false, ..for_others("off", &[]) }),
    ]);
    let resolution = ask(&by_role(&["named", "shipped", "off"]), &[], &catalog);
    let told: Vec<(&str, Vec<String>, &[RoleName])> = resolution
        .skills
        .iter()
        .map(|skill| {
            let askers = skill.asked_by.iter().map(ToString::to_string).collect();
            (skill.name.as_str(), askers, skill.applicable_roles.as_slice())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("below", vec!["skill `for-all`".to_owned()], other.as_slice()),
            ("for-all", vec!["project folder".to_owned()], &[]),
            ("lowest", vec!["skill `shipped`".to_owned()], other.as_slice()),
            ("named", vec!["role.json qa".to_owned()], other.as_slice()),
            ("shipped", vec!["role.json qa".to_owned()], other.as_slice()),
        ]
    );
    assert_eq!(
        left_out(&resolution),
        [
            "skill `off`, wanted by role.json qa: its front matter has `enabled: false`",
            "skill `unnamed`, wanted by project folder: it is for `engineer`",
        ]
    );
}

#[test]
fn every_gate_has_its_reason_and_takes_out_what_builds_on_it() {
    let gated = |text: &str, change: fn(&mut Skill)| {
        let mut skill = skill(text, &[]);
        change(&mut skill);
        entry(Tier::Shipped, skill)
    };
    let catalog = catalog(vec![
        gated("disabled", |_| {}),
        gated("mac", |skill| skill.platform = vec!["macos".to_owned()]),
        gated("linux", |skill| skill.platform = vec!["macos".to_owned(), "linux".to_owned()]),
        gated("off", |skill| skill.enabled = false),
        gated("new", |skill| skill.trust_level = TrustLevel::Experimental),
        gated("needs-db", |skill| skill.requires_mcp = vec!["warroom".into(), "db".into()]),
        gated("needs-room", |skill| skill.requires_mcp = vec!["warroom".into()]),
        gated("top", |skill| skill.dependencies = vec![name("mac"), name("helper")]),
        gated("roof", |skill| skill.dependencies = vec![name("top")]),
        gated("helper", |_| {}),
    ]);
    let references = by_role(&[
        "disabled",
        "mac",
        "linux",
        "off",
        "new",
        "needs-db",
        "needs-room",
        "roof",
        "disabled",
    ]);
    let disabled = [Reference { name: name("disabled"), by: Asker::at("role", "roles.qa") }];
    let resolution = ask(&references, &disabled, &catalog);
    assert_eq!(given(&resolution), ["linux", "needs-room"]);
    assert_eq!(
        left_out(&resolution),
        [
            "skill `disabled`, wanted by role.json qa: it is disabled by role roles.qa",
            "skill `mac`, wanted by skill `top` and role.json qa: it is for macos, and this is \
             linux",
            "skill `needs-db`, wanted by role.json qa: it needs the MCP server `db`, which the \
             session does not have",
            "skill `new`, wanted by role.json qa: it is experimental; set \
             `skills.allow_experimental` to use such skills",
            "skill `off`, wanted by role.json qa: its front matter has `enabled: false`",
            "skill `roof`, wanted by role.json qa: it builds on `top`, which is left out",
            "skill `top`, wanted by skill `roof`: it builds on `mac`, which is left out",
        ]
    );
    let warnings = resolution.preflight(Preflight::Error).unwrap();
    assert_eq!(warnings, left_out(&resolution)[1..]);
}

#[test]
fn what_is_named_and_not_there_is_an_error_that_says_where_it_was_looked_for() {
    let mut catalog = shipped(&[("testing", &[]), ("top", &["lost"])]);
    let broken = |tier, name: &str| Broken {
        name: name.to_owned(),
        tier,
        role: None,
        path: PathBuf::from("/x"),
        problem: "no front matter".to_owned(),
    };
    catalog.broken = vec![broken(Tier::Project, "my skill"), broken(Tier::Project, "torn")];
    let resolution = ask(&by_role(&["testin", "torn", "top"]), &[], &catalog);
    assert_eq!(
        resolution.preflight(Preflight::Error).unwrap_err().to_string(),
        "skill `lost`, wanted by skill `top`: no tier has it; skill `testin`, wanted by role.json \
         qa: no tier has it (did you mean `testing`?); skill `torn`, wanted by project folder and \
         role.json qa: it is broken: no front matter; looked in project `/project`; mend, install \
         or take out what is named, or set `skills.preflight` to `warn`"
    );
    let warnings = resolution.preflight(Preflight::Warn).unwrap();
    assert_eq!(warnings, left_out(&resolution));
    assert_eq!(warnings.len(), 5);
    // What only lies in a folder and is broken stops nobody.
    let resolution = ask(&[], &[], &catalog);
    assert_eq!(resolution.preflight(Preflight::Error).unwrap().len(), 2);
}

#[test]
fn a_circle_is_shown_whole() {
    let catalog = shipped(&[
        ("a", &["d"]),
        ("b", &["c"]),
        ("c", &["a"]),
        ("d", &["e", "b"]),
        ("e", &[]),
        ("self", &["self"]),
    ]);
    let error = try_ask(&by_role(&["c"]), &[], &catalog).unwrap_err();
    assert_eq!(
        error.to_string(),
        "skills build on each other in a circle: `a` -> `d` -> `b` -> `c` -> `a`; take one of \
         these out of the `dependencies` of the one before it"
    );
    let error = try_ask(&by_role(&["self"]), &[], &catalog).unwrap_err();
    assert_eq!(error.circle, [name("self")]);
    assert_eq!(given(&ask(&by_role(&["e"]), &[], &catalog)), ["e"]);
}

/// A catalogue of skills `s0`, `s1`, ... where each builds on earlier ones only, or on any.
fn catalogs(circles: bool) -> impl Strategy<Value = Catalog> {
    let one = (prop::collection::vec(0..12_usize, 0..4), 0..6_u8);
    prop::collection::vec(one, 1..12).prop_map(move |skills| {
        let entries = skills.iter().enumerate().map(|(index, (below, kind))| {
            let below = below.iter().filter(|below| circles || **below < index);
            let mut skill = skill(&format!("s{index}"), &[]);
            skill.dependencies = below.map(|below| name(&format!("s{below}"))).collect();
            skill.enabled = *kind != 0;
            let tier = if *kind == 1 { Tier::Project } else { Tier::Shipped };
            entry(tier, skill)
        });
        catalog(entries.collect())
    })
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let one = (0..14_usize, prop::sample::select(vec!["role.json", "epic", "plan"]));
    let one = one.prop_map(|(index, by)| Reference {
        name: name(&format!("s{index}")),
        by: Asker::at(by, "x"),
    });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn the_order_of_references_makes_no_difference(
        catalog in catalogs(true),
        references in references(),
        disabled in references(),
    ) {
        let turned: Vec<Reference> = references.iter().rev().cloned().collect();
        let off: Vec<Reference> = disabled.iter().rev().cloned().collect();
        prop_assert_eq!(
            try_ask(&references, &disabled, &catalog),
            try_ask(&turned, &off, &catalog)
        );
    }

    #[test]
    fn asking_for_what_is_given_gives_the_same(
        catalog in catalogs(false),
        references in references(),
        disabled in references(),
    ) {
        let first = ask(&references, &disabled, &catalog);
        let names: Vec<&str> = given(&first);
        let again = ask(&by_role(&names), &disabled, &catalog);
        prop_assert_eq!(given(&again), names);
    }

    #[test]
    fn a_skill_is_given_only_with_everything_it_builds_on(
        catalog in catalogs(false),
        references in references(),
        disabled in references(),
    ) {
        let resolution = ask(&references, &disabled, &catalog);
        let names = given(&resolution);
        for skill in &resolution.skills {
            let entry = catalog.skills.iter().find(|entry| entry.skill.name == skill.name).unwrap();
            for below in &entry.skill.dependencies {
                prop_assert!(names.contains(&below.as_str()), "{} without {below}", skill.name);
            }
            prop_assert!(!skill.asked_by.is_empty());
            prop_assert!(!disabled.iter().any(|said| said.name == skill.name));
        }
    }
}
