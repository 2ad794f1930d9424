//! JSON Schemas of every file, generated from the types that read and write them.
//!
//! They are kept in the repository's `schemas/`, checked to be current, and can be named by
//! `$schema` in a file, so that an editor completes and checks it.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use crate::config::Config;
use crate::control::{EngineRecord, Request};
use crate::dag::Dag;
use crate::events::Event;
use crate::lifecycle::{AuditLine, Machine};
use crate::plans::PlanMeta;
use crate::registry::Registry;
use crate::roles::RoleSpec;
use crate::room::{AttemptRecord, Contract, Progress, Verdict};
use crate::{channel, ledger};

/// The schema of one kind of file, or of one line of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSchema {
    /// Its file in `schemas/`.
    pub name: &'static str,
    /// The files below `.agents/` that it describes.
    pub describes: &'static str,
    /// The schema.
    pub schema: Schema,
}

/// Every schema, by name.
pub fn all() -> Vec<FileSchema> {
    vec![
        of::<AttemptRecord>("attempt.schema.json", "war-rooms/*/attempts/*/attempt.json"),
        of::<AuditLine>("audit-line.schema.json", "war-rooms/*/lifecycle-audit.jsonl, a line"),
        of::<channel::Message>("channel-message.schema.json", "war-rooms/*/channel.jsonl, a line"),
        of::<Config>("config.schema.json", "config.json"),
        of::<Request>("control-request.schema.json", "plans/*/control.jsonl, a line"),
        of::<Dag>("dag.schema.json", "plans/*/DAG.json"),
        of::<EngineRecord>("engine.schema.json", "plans/*/engine.json"),
        of::<Event>("event.schema.json", "plans/*/events.jsonl, a line"),
        of::<ledger::Entry>("ledger-entry.schema.json", "ledger.jsonl, a line"),
        of::<Machine>("lifecycle.schema.json", "war-rooms/*/lifecycle.json"),
        of::<PlanMeta>("plan-meta.schema.json", "plans/*/PLAN.meta.json"),
        of::<Progress>("progress.schema.json", "war-rooms/*/progress.json"),
        of::<Registry>("registry.schema.json", "registry.json"),
        of::<RoleSpec>("role.schema.json", "roles/*/role.json"),
        of::<Contract>("room-config.schema.json", "war-rooms/*/config.json"),
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
