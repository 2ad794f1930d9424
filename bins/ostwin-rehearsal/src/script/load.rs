//! Reading scripts.

use std::path::Path;

use anyhow::Context as _;
use ostwin_service::{Exit, Failure};

use super::types::Script;

/// No script is larger.
const MAX_BYTES: u64 = 4 << 20;

impl Script {
    /// The text of the built-in script.
    pub(crate) const BUILT_IN: &'static str = include_str!("../../scripts/default.json");

    /// The built-in script.
    pub(crate) fn built_in() -> anyhow::Result<Self> {
        Self::read(Self::BUILT_IN, "the built-in script")
    }

    /// The script in `file`, followed by the built-in one unless it says
    /// otherwise.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let bytes = ostwin_core::fs::read(file, MAX_BYTES)
            .map_err(|error| Failure::new(Exit::Usage, format!("no script: {error}")))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(Exit::Usage, format!("`{}` is no text", file.display())))?;
        Self::parse(&text, &file.display().to_string())
    }

    /// A script from its text; `name` is how errors call it.
    pub(crate) fn parse(text: &str, name: &str) -> anyhow::Result<Self> {
        let mut script = Self::read(text, name)?;
        if script.built_in_rules {
            script.rules.extend(Self::built_in()?.rules);
        }
        Ok(script)
    }

    fn read(text: &str, name: &str) -> anyhow::Result<Self> {
        let mut script: Self = serde_json::from_str(text).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{name}` is no script: {error}"))
                .hint("`ostwin-rehearsal schema` prints what a script may hold")
        })?;
        script.set_pace(script.pace).with_context(|| format!("in `{name}`"))?;
        Ok(script)
    }

    /// Sets the factor on every delay.
    pub(crate) fn set_pace(&mut self, pace: f64) -> anyhow::Result<()> {
        if !(0.0..=1000.0).contains(&pace) {
            let text = format!("the pace is {pace}, and must be between 0 and 1000");
            return Err(Failure::new(Exit::Usage, text).into());
        }
        self.pace = pace;
        Ok(())
    }
}

/// The JSON Schema of scripts.
pub(crate) fn schema() -> anyhow::Result<String> {
    let schema = schemars::schema_for!(Script);
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        format!("{:#}", Script::parse(text, "x.json").unwrap_err())
    }

    #[test]
    fn a_bad_script_names_the_place() {
        assert!(problem("{").starts_with("`x.json` is no script: "));
        let unknown = problem("{\"v\": 1, \"speed\": 2}");
        assert!(
            unknown.contains("unknown field `speed`") && unknown.contains("line 1"),
            "{unknown}"
        );
        let step = problem("{\"v\": 1, \"rules\": [{\"steps\": [{\"do\": \"dance\"}]}]}");
        assert!(step.contains("unknown variant `dance`"), "{step}");
        let pace = problem("{\"v\": 1, \"pace\": -1}");
        assert!(pace.contains("must be between 0 and 1000"), "{pace}");
    }

    #[test]
    fn the_built_in_rules_follow_unless_refused() {
        let own = Script::parse("{\"v\": 1}", "x").unwrap();
        assert_eq!(own.rules.len(), Script::built_in().unwrap().rules.len());
        let alone = Script::parse("{\"v\": 1, \"built_in_rules\": false}", "x").unwrap();
        assert_eq!(alone.rules.len(), 0);
    }

    #[test]
    fn the_schema_accepts_the_built_in_script_by_name() {
        let schema = schema().unwrap();
        assert!(schema.contains("\"fail_first\"") && schema.contains("\"stubborn\""));
    }
}
