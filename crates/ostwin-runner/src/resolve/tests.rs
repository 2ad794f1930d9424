use std::path::PathBuf;

use ostwin_core::config::{self, Layer, Settings};
use ostwin_core::ids::RoleRef;
use ostwin_core::roles::RoleSpec;
use serde_json::{Map, Value, json};

use super::*;
use crate::agents::Programs;
use crate::roles::{ResolvedRole, RoleTier};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn layer(kind: config::SourceKind, file: &str, value: &Value) -> Layer {
    Layer::from_values(&config::Source::file(kind, file), &object(value)).unwrap()
}

fn role(spec: RoleSpec) -> ResolvedRole {
    ResolvedRole {
        name: "engineer".parse().unwrap(),
        spec,
        prompt: String::new(),
        tier: RoleTier::Project,
        dir: PathBuf::from("roles/engineer"),
        prompt_file: PathBuf::from("roles/engineer/ROLE.md"),
        stands_in: None,
        registry_model: Some("of the registry".to_owned()),
        registry: PathBuf::from("registry.json"),
        warnings: Vec::new(),
    }
}

struct World {
    layers: Vec<Layer>,
    role: RoleSpec,
    epic: Directives,
    room: Directives,
}

impl World {
    fn new() -> Self {
        let (role, epic, room) = <(RoleSpec, Directives, Directives)>::default();
        let agent = json!({"default_agent": "opencode"});
        Self {
            layers: vec![layer(config::SourceKind::User, "user.json", &agent)],
            role,
            epic,
            room,
        }
    }

    fn resolve(&self) -> Result<SessionSettings, String> {
        let settings = Settings::merge(self.layers.clone()).unwrap();
        let question = Question {
            role: &"engineer:fe".parse::<RoleRef>().unwrap(),
            resolved: &role(self.role.clone()),
            room: &self.room,
            epic: &self.epic,
            contract: "room/config.json",
            settings: &settings,
        };
        resolve(&question, &Programs::default(), ".agents/config.json")
            .map_err(|error| error.to_string())
    }

    fn model(&self) -> (Option<String>, String) {
        let model = self.resolve().unwrap().model;
        (model.value, model.source.to_string())
    }
}

/// Adds one source after the other, from weak to strong: each must win over all before it.
#[test]
fn each_source_wins_over_the_weaker_ones() {
    use config::SourceKind::{Plan, Project, User};
    let mut world = World::new();
    let model = |text: &str| json!({"default_model": text});
    let said = |text: &str| Some(text.to_owned());
    let mut seen = Vec::new();

    seen.push(world.model());
    world.layers.push(layer(User, "user.json", &model("user")));
    seen.push(world.model());
    world.layers.push(layer(Project, "project.json", &model("project")));
    seen.push(world.model());
    world.layers.push(layer(Plan, "PLAN.md", &model("plan")));
    seen.push(world.model());
    world.role.model = said("role.json");
    seen.push(world.model());
    let settings = |value: Value| json!({"roles": {"engineer": value}});
    world.layers.push(layer(Project, "project.json", &settings(json!({"model": "role"}))));
    seen.push(world.model());
    let instance = json!({"instances": {"fe": {"model": "instance"}}});
    world.layers.push(layer(User, "user.json", &settings(instance)));
    seen.push(world.model());
    world.epic.model = said("epic");
    seen.push(world.model());
    world.room.model = said("room");
    seen.push(world.model());
    world.layers.push(Layer::from_env([("OSTWIN_DEFAULT_MODEL", "environment")]).unwrap().0);
    seen.push(world.model());
    world.layers.push(Layer::default().with_flag("--model", "default_model", "flag").unwrap());
    seen.push(world.model());

    let expected = [
        ("of the registry", "registry registry.json"),
        ("user", "user user.json"),
        ("project", "project project.json"),
        ("plan", "plan PLAN.md"),
        ("role.json", "role.json roles/engineer"),
        ("role", "role roles.engineer.model"),
        ("instance", "role instance roles.engineer.instances.fe"),
        ("epic", "epic room/config.json"),
        ("room", "room room/config.json"),
        ("environment", "environment OSTWIN_DEFAULT_MODEL"),
        ("flag", "flag --model"),
    ];
    let expected = expected.map(|(value, source)| (Some(value.to_owned()), source.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn what_nobody_says_is_shipped() {
    let settings = World::new().resolve().unwrap();
    let shown = serde_json::to_value(&settings).unwrap();
    let lines: Vec<String> = object(&shown)
        .into_iter()
        .map(|(key, said)| format!("{key}: {} from {}", said["value"], said["source"]["kind"]))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    agent: "opencode" from "user"
    agent_command: ["opencode","acp","--print-logs","--log-level","ERROR"] from "shipped"
    model: "of the registry" from "registry"
    temperature: null from "shipped"
    max_tokens: null from "shipped"
    timeout_seconds: 900 from "shipped"
    max_retries: 3 from "shipped"
    retry_delay_seconds: 0 from "shipped"
    agent_retries: 5 from "shipped"
    kill_grace_seconds: 10 from "shipped"
    budget_tokens: null from "shipped"
    budget_usd: null from "shipped"
    no_mcp: false from "shipped"
    mcp_refs: null from "shipped"
    allowed_tools: null from "shipped"
    denied_tools: [] from "shipped"
    env_allow: [] from "shipped"
    approval: {"mode":"auto","allow":[],"deny":[],"otherwise":"deny"} from "shipped"
    "#);
    assert!(!settings.is_rehearsed());
}

#[test]
fn without_an_agent_the_error_says_what_to_add() {
    let mut world = World::new();
    world.layers.clear();
    assert_eq!(
        world.resolve().unwrap_err(),
        "no agent is configured for `engineer:fe`; no known agent program was found on PATH; add \
         `\"default_agent\": \"NAME\"` to `.agents/config.json`, or pass `--agent NAME`"
    );
    world.epic.agent = Some("opncode".to_owned());
    assert_eq!(
        world.resolve().unwrap_err(),
        "`opncode`, named by epic room/config.json, is no agent of the settings (did you mean \
         `opencode`?); there is: claude, codex, copilot, cursor, gemini, goose, opencode, qwen, \
         rehearsal"
    );
    world.epic.agent = Some("rehearsal".to_owned());
    assert!(world.resolve().unwrap().is_rehearsed());
}
