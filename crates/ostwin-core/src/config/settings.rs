//! All layers merged: the settings in force, and where each value came from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::layer::{Entry, Layer};
use super::shape::{self, Found};
use super::source::Source;
use super::types::Config;
use crate::ids::SkillName;
use crate::json::nearest;

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The settings as a value of their type.
    pub config: Config,
    values: Map<String, Value>,
    /// Source of each key that any layer sets; the rest is shipped.
    sources: BTreeMap<Vec<String>, Source>,
    /// Who names each of the skills that every session gets.
    skill_refs: Vec<(SkillName, Source)>,
}

/// The list that every layer adds to, instead of replacing what lies below.
const SKILL_REFS: &str = "skill_refs";

impl Default for Settings {
    fn default() -> Self {
        let config = Config::default();
        let values = values_of(&config);
        Self { values, config, sources: BTreeMap::new(), skill_refs: Vec::new() }
    }
}

fn values_of(config: &Config) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(mut values)) => {
            values.remove("schema_version");
            values
        }
        // A struct of plain fields always becomes an object.
        Ok(_) | Err(_) => Map::new(),
    }
}

impl Settings {
    /// Merges layers over the shipped values: by the rank of their source, and in the order given
    /// where that is the same. Objects are merged key by key, `skill_refs` is added to, everything
    /// else is replaced.
    ///
    /// # Errors
    ///
    /// Every setting that is fine by itself and makes no sense with the others: an agent without a
    /// program, the name of an agent that is not there.
    pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Result<Self, Vec<ConfigError>> {
        let mut entries: Vec<Entry> = layers.into_iter().flat_map(|layer| layer.entries).collect();
        entries.sort_by_key(|entry| entry.source.kind);
        let mut settings = Self::default();
        for Entry { path, value, source } in entries {
            if path.as_slice() == [SKILL_REFS] {
                settings.add_skills(&value, &source);
                settings.sources.insert(path, source);
                continue;
            }
            let empty = value.as_object().is_some_and(Map::is_empty);
            if !(empty && lookup(&settings.values, &path).is_some_and(Value::is_object)) {
                shape::put(&mut settings.values, &path, value);
            }
            settings.sources.insert(path, source);
        }
        settings.config =
            serde_json::from_value(Value::Object(settings.values.clone())).map_err(|error| {
                vec![ConfigError::WrongValue {
                    place: Source::shipped(),
                    key: "config".to_owned(),
                    found: error.to_string(),
                    expected: "settings that fit together".to_owned(),
                }]
            })?;
        let errors = settings.contradictions();
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }

    /// The skills that every session gets, each with the highest source that names it.
    pub fn skill_refs(&self) -> Vec<(SkillName, Source)> {
        self.skill_refs.clone()
    }

    fn add_skills(&mut self, names: &Value, source: &Source) {
        let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in names.filter_map(|name| SkillName::new(name).ok()) {
            match self.skill_refs.iter_mut().find(|(known, _)| *known == name) {
                Some((_, by)) => source.clone_into(by),
                None => self.skill_refs.push((name, source.clone())),
            }
        }
        let all = self.skill_refs.iter().map(|(name, _)| Value::from(name.as_str())).collect();
        self.values.insert(SKILL_REFS.to_owned(), Value::Array(all));
    }

    /// A value and its source, by its dotted key; a whole record with the highest source of its
    /// parts. `None` if no setting has this key.
    pub fn get(&self, key: &str) -> Option<(Value, Source)> {
        let path = shape::split(key);
        let value = match (lookup(&self.values, &path), shape::find(&path)) {
            (_, Found::Unknown(_)) | (None, Found::Inner) => return None,
            (Some(value), _) => value.clone(),
            (None, Found::Leaf) => Value::Null,
        };
        Some((value, self.source_of(&path)))
    }

    /// Where the value of a dotted key comes from.
    pub fn provenance(&self, key: &str) -> Source {
        self.source_of(&shape::split(key))
    }

    /// Every single value with its key and its source, in the order of the reference.
    pub fn list(&self) -> Vec<(String, Value, Source)> {
        let mut leaves = Vec::new();
        collect(&self.values, &mut Vec::new(), &mut leaves);
        leaves
            .into_iter()
            .map(|(path, value)| {
                let source = self.source_of(&path);
                (shape::join(&path), value, source)
            })
            .collect()
    }

    fn source_of(&self, path: &[String]) -> Source {
        self.sources
            .iter()
            .filter(|(set, _)| set.starts_with(path) || path.starts_with(set))
            .map(|(_, source)| source)
            .max_by_key(|source| source.kind)
            .cloned()
            .unwrap_or_else(Source::shipped)
    }

    fn contradictions(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for (name, agent) in &self.config.agents {
            if agent.command.first().is_none_or(String::is_empty) {
                let place = self.provenance(&format!("agents.{name}"));
                errors.push(ConfigError::NoCommand { place, name: name.clone() });
            }
        }
        for (key, name) in self.named_agents() {
            if !self.config.agents.contains_key(&name) {
                let known = self.config.agents.keys().map(String::as_str);
                let near = nearest(&name, known).map(str::to_owned);
                let place = self.provenance(&key);
                errors.push(ConfigError::UnknownAgent { place, key, name, near });
            }
        }
        errors
    }

    /// Every setting that names an agent, with the name.
    fn named_agents(&self) -> Vec<(String, String)> {
        let mut named = Vec::new();
        let mut add = |key: String, name: &Option<String>| {
            named.extend(name.clone().map(|name| (key, name)));
        };
        add("default_agent".to_owned(), &self.config.default_agent);
        for (role, settings) in &self.config.roles {
            add(format!("roles.{role}.agent"), &settings.agent);
            for (instance, settings) in &settings.instances {
                add(format!("roles.{role}.instances.{instance}.agent"), &settings.agent);
            }
        }
        named
    }
}

fn lookup<'a>(values: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(values.get(first)?, |value, name| value.get(name))
}

fn collect(
    values: &Map<String, Value>,
    path: &mut Vec<String>,
    leaves: &mut Vec<(Vec<String>, Value)>,
) {
    for (name, value) in values {
        path.push(name.clone());
        match (value, shape::find(path)) {
            (Value::Object(below), Found::Inner) => collect(below, path, leaves),
            _ => leaves.push((path.clone(), value.clone())),
        }
        path.pop();
    }
}
