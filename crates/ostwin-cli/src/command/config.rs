//! `config`: settings with their sources.

use std::path::Path;

use ostwin_core::config::{self, EditError, Layer, Places, PlanFile, SettingsFile, SourceKind};
use ostwin_core::env;
use ostwin_core::store::Store;
use ostwin_service::{Exit, Explain, Failure};
use serde_json::{Value, json};

use crate::args::ConfigCommand;
use crate::context::{Context, stored_plan};
use crate::out::remark;
use crate::view::{table, text};

pub(crate) fn run(context: &Context, command: &ConfigCommand) -> anyhow::Result<Exit> {
    match command {
        ConfigCommand::Get { key } => get(context, key),
        ConfigCommand::Set { key, value, plan: Some(plan), .. } => {
            set_of_plan(context, key, value.as_deref(), plan)
        }
        ConfigCommand::Set { key, value, user, .. } => set(context, key, value.as_deref(), *user),
        ConfigCommand::List { keys: true, .. } => keys(context),
        ConfigCommand::List { all, .. } => list(context, *all),
    }
}

fn get(context: &Context, key: &str) -> anyhow::Result<Exit> {
    let layout = context.project_if_any()?.map(|(project, _)| project.layout().clone());
    let settings = context.settings(layout.as_ref(), Vec::new())?;
    let Some((value, source)) = settings.get(key) else { return Err(no_value(key)) };
    if context.out.json {
        context.out.json(&json!({"key": key, "value": value, "source": source}))?;
    } else {
        context.out.text(&format!("{}\n", plain(&value)))?;
        remark(&format!("from: {source}"));
    }
    Ok(Exit::Ok)
}

/// Why there is nothing to show for a key.
fn no_value(key: &str) -> anyhow::Error {
    let listed = "`ostwin config list --keys` lists every setting";
    match config::nearest_key(key) {
        Ok(()) => Failure::new(Exit::Usage, format!("nothing sets `{key}`"))
            .hint(format!("`ostwin config set {key} VALUE` does")),
        Err(near) => {
            let hint = near.map_or(listed.to_owned(), |near| format!("did you mean `{near}`?"));
            Failure::new(Exit::Usage, format!("there is no setting `{key}`")).hint(hint)
        }
    }
    .into()
}

/// Text as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text::block(text),
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn set(context: &Context, key: &str, value: Option<&str>, user: bool) -> anyhow::Result<Exit> {
    let file = if user {
        let dir = env::config_dir().ok_or_else(|| {
            Failure::new(Exit::Environment, "there is no home directory for your own settings")
        })?;
        SettingsFile::of_user(&dir)
    } else {
        SettingsFile::of_project(&context.base.layout()?)
    };
    let written = if user { SourceKind::User } else { SourceKind::Project };
    write(context, &file, key, value, written, &[])?;
    tell_set(context, &file.path, key, written, Vec::new())
}

/// Changes one value beside the text of an imported plan; what its text has to say is refused.
fn set_of_plan(
    context: &Context,
    key: &str,
    value: Option<&str>,
    plan: &str,
) -> anyhow::Result<Exit> {
    let (project, _) = context.project()?;
    let stored = stored_plan(&project, Some(plan))?;
    let Some(file) = PlanFile::of_key(key) else {
        let text = format!("`{key}` is no setting that is kept beside a plan");
        return Err(Failure::new(Exit::Usage, text)
            .hint("`skill_refs` and what lies below `roles` are; the plan's `Config` sets the rest")
            .into());
    };
    let file = SettingsFile::of_plan(project.layout(), &stored.paths, file);
    let layers = config::of_plan(&stored.paths).unwrap_or_default();
    write(context, &file, key, value, SourceKind::Plan, &layers)?;
    let layers = config::of_plan(&stored.paths).exit(Exit::Usage)?;
    tell_set(context, &file.path, key, SourceKind::Plan, layers)
}

/// Changes the file of one layer, unless settings that fit together would no longer do so: every
/// command reads them, `stop` too. Settings that are wrong already may be mended step by step.
fn write(
    context: &Context,
    file: &SettingsFile,
    key: &str,
    value: Option<&str>,
    kind: SourceKind,
    further: &[Layer],
) -> anyhow::Result<()> {
    let places = Places::of_process(context.base.layout().ok().as_ref());
    let were_sound = config::load(&places, further.to_vec()).is_ok();
    let accept = |changed: &[u8]| {
        let changed = Layer::from_file(kind, &file.path, changed)?;
        let layers = [further, &[changed]].concat();
        let places = match kind {
            SourceKind::User => Places { user: None, ..places },
            SourceKind::Project => Places { project: None, ..places },
            _ => places,
        };
        match config::load(&places, layers) {
            Err(error) if were_sound => {
                Err(anyhow::Error::from(error).context("nothing was written"))
            }
            _ => Ok(()),
        }
    };
    let edited: anyhow::Result<()> = file.edit(&Store::default(), key, value, accept);
    edited.or_else(|error| match error.downcast_ref() {
        Some(EditError::Fs(_) | EditError::Lock(_)) => Err(error).exit(Exit::Environment),
        Some(EditError::File(_)) | None => {
            Err(error).exit(Exit::Usage).hint("`ostwin config list --keys` lists every setting")
        }
    })
}

/// Tells what was written, and what else there is to know about it.
fn tell_set(
    context: &Context,
    file: &Path,
    key: &str,
    written: SourceKind,
    further: Vec<Layer>,
) -> anyhow::Result<Exit> {
    let layout = context.base.layout().ok();
    let settings = match context.settings(layout.as_ref(), further) {
        Ok(settings) => settings,
        Err(error) => {
            // Another mistake is mended by another command: this one did what it was told.
            remark(&format!("written to `{}`; the settings are wrong otherwise:", file.display()));
            remark(&format!("{error:#}"));
            return Ok(Exit::Ok);
        }
    };
    let source = settings.provenance(key);
    if context.out.json {
        let now = settings.get(key).map(|(value, _)| value);
        context.out.json(&json!({"file": file, "key": key, "value": now, "source": source}))?;
        return Ok(Exit::Ok);
    }
    remark(&format!("written to `{}`", file.display()));
    if source.kind > written {
        remark(&format!("{source} overrules it"));
    }
    Ok(Exit::Ok)
}

fn list(context: &Context, all: bool) -> anyhow::Result<Exit> {
    let layout = context.project_if_any()?.map(|(project, _)| project.layout().clone());
    let settings = context.settings(layout.as_ref(), Vec::new())?;
    let listed = settings.list();
    let wanted: Vec<_> =
        listed.iter().filter(|(_, _, source)| all || source.kind != SourceKind::Shipped).collect();
    if context.out.json {
        let values: Vec<Value> = wanted
            .iter()
            .map(|(key, value, source)| json!({"key": key, "value": value, "source": source}))
            .collect();
        context.out.json(&values)?;
        return Ok(Exit::Ok);
    }
    if wanted.is_empty() {
        remark("every setting has its shipped value; `--all` lists them");
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = wanted
        .iter()
        .map(|(key, value, source)| vec![key.clone(), value.to_string(), source.to_string()])
        .collect();
    context.out.text(&table::table(&["key", "value", "from"], &rows, context.out.width()))?;
    Ok(Exit::Ok)
}

fn keys(context: &Context) -> anyhow::Result<Exit> {
    let reference = config::reference();
    if context.out.json {
        context.out.json(&reference)?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = reference
        .into_iter()
        .map(|doc| vec![doc.key, doc.kind, doc.default.to_string(), doc.doc])
        .collect();
    let head = ["key", "takes", "shipped", "meaning"];
    context.out.text(&table::table(&head, &rows, context.out.width()))?;
    Ok(Exit::Ok)
}
