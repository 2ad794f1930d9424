//! JSON Schemas of every file, generated from the types that read and write them.
//!
//! They are kept in the repository's `schemas/`, checked to be current, and can be named by
//! `$schema` in a file, so that an editor completes and checks it.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use crate::budget::PlanBudget;
use crate::config::{Config, PlanRoles, PlanSkills};
use crate::control::{EngineRecord, Request};
use crate::dag::Dag;
use crate::events::Event;
use crate::gc::Removed;
use crate::lifecycle::{AuditLine, Machine};
use crate::plans::PlanMeta;
use crate::registry::Registry;
use crate::roles::RoleSpec;
use crate::room::{Archived, AttemptRecord, Contract, Progress, RoomSettings, Verdict};
use crate::skills_index::SkillsIndex;
use crate::skills_lock::SkillsLock;
use crate::{channel, ledger};

/// The schema of one kind of file, or of one line of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSchema {
    /// Its file in `schemas/`.
    pub name: &'static str,
    /// What it describes.
    pub describes: &'static str,
    /// The schema.
    pub schema: Schema,
}

/// Every schema, by name.
pub fn all() -> Vec<FileSchema> {
    vec![
        of::<Archived>("archived.schema.json", "what of a room is in its archive"),
        of::<AttemptRecord>("attempt.schema.json", "the record of an attempt"),
        of::<AuditLine>("audit-line.schema.json", "a line of a room's audit"),
        of::<channel::Message>("channel-message.schema.json", "a line of a room's channel"),
        of::<Config>("config.schema.json", "the settings of a user or a project"),
        of::<Request>("control-request.schema.json", "a request to an engine"),
        of::<Dag>("dag.schema.json", "the graph of a plan"),
        of::<EngineRecord>("engine.schema.json", "which process drives a plan"),
        of::<Event>("event.schema.json", "a line of a plan's events"),
        of::<ledger::Entry>("ledger-entry.schema.json", "a line of the shared memory"),
        of::<Machine>("lifecycle.schema.json", "the state machine of a room"),
        of::<PlanBudget>("plan-budget.schema.json", "what a person lets a plan use"),
        of::<PlanMeta>("plan-meta.schema.json", "where a plan came from"),
        of::<PlanRoles>("plan-roles.schema.json", "overrides of roles for one plan"),
        of::<PlanSkills>("plan-skills.schema.json", "further skills for one plan"),
        of::<Progress>("progress.schema.json", "how far an attempt says it is"),
        of::<Registry>("registry.schema.json", "the role catalogue"),
        of::<Removed>("removed.schema.json", "what was removed of an attempt"),
        of::<RoleSpec>("role.schema.json", "the settings of a role"),
        of::<Contract>("room-config.schema.json", "the contract of a room"),
        of::<RoomSettings>("room-settings.schema.json", "what a person set for a room"),
        of::<SkillsIndex>("skills-index.schema.json", "an index of skills that can be installed"),
        of::<SkillsLock>("skills-lock.schema.json", "which skills were installed"),
        of::<Verdict>("verdict.schema.json", "the data of a `pass` or `fail` message"),
    ]
}

fn of<T: JsonSchema>(name: &'static str, describes: &'static str) -> FileSchema {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let mut schema = generator.root_schema_for::<T>();
    schema.insert("$id".to_owned(), name.into());
    schema.insert("$comment".to_owned(), format!("generated from the types: {describes}").into());
    FileSchema { name, describes, schema }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_has_a_name_of_its_own_and_describes_an_object() {
        let all = all();
        let mut names: Vec<_> = all.iter().map(|schema| schema.name).collect();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for FileSchema { name, schema, .. } in all {
            let shape = ["properties", "anyOf", "oneOf", "$ref"];
            assert!(shape.iter().any(|key| schema.get(*key).is_some()), "{name}: {schema:?}");
        }
    }
}
