//! The project's vault: which secrets it holds, by their names. A value goes in and never comes out.

use std::fmt;

use axum::http::StatusCode;
use ostwin_core::env;
use ostwin_core::vault::{self, Keys, VaultError, Vaults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::http::{Nothing, Page, Problem, Route, delete, get, page, put};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/api/vault", "The names of secrets; their values are never told", secrets),
        put("/api/vault/{server}/{key}", "Keeps a secret in the project's vault", 200, keep),
        delete("/api/vault/{server}/{key}", "Takes a secret from the project's vault", 200, forget),
    ]
}

/// A secret by its name.
#[derive(Debug, Serialize, JsonSchema)]
struct SecretName {
    /// Which server it is for.
    server: String,
    /// Its key.
    key: String,
    /// The file that holds it.
    vault: String,
    /// Whether that is the project's, which can be changed here.
    of_project: bool,
}

fn secrets(call: &Call, _: Nothing, _: Nothing) -> Result<Page<SecretName>, Problem> {
    let project = call.one()?.project();
    let layout = project.layout();
    let keys = Keys::of_this_process();
    let vaults = Vaults::read(layout, env::config_dir().as_deref(), &keys)?;
    let own = layout.vault();
    let names = vaults.names().into_iter().map(|(server, key, path)| SecretName {
        server,
        key,
        vault: path.display().to_string(),
        of_project: path == own,
    });
    Ok(page(names.collect()))
}

/// A secret in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct SecretInPath {
    /// Which server it is for.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))]
    server: String,
    /// Its key.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))]
    key: String,
}

/// A secret to keep.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    /// The value. It is never told again.
    value: String,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret")
    }
}

fn keep(call: &Call, path: SecretInPath, new: NewSecret) -> Result<Nothing, Problem> {
    let served = call.one()?;
    let project = served.project();
    vault::check_names(&path.server, &path.key)?;
    let (file, guard) = (project.layout().vault(), project.layout().vault_lock());
    let keys = Keys::of_this_process();
    vault::change(project.store(), &file, &guard, &keys, |vault| {
        vault.set(&path.server, &path.key, &new.value)
    })?;
    // From now on it is kept out of what is recorded.
    served.reload()?;
    Ok(Nothing {})
}

fn forget(call: &Call, path: SecretInPath, _: Nothing) -> Result<Nothing, Problem> {
    let served = call.one()?;
    let project = served.project();
    vault::check_names(&path.server, &path.key)?;
    let (file, guard) = (project.layout().vault(), project.layout().vault_lock());
    let keys = Keys::of_this_process();
    let missing = || {
        let text = format!("the project's vault does not hold `{}/{}`", path.server, path.key);
        Problem::not_found(text)
    };
    if !file.is_file() {
        return Err(missing());
    }
    let removed = vault::change(project.store(), &file, &guard, &keys, |vault| {
        Ok(vault.remove(&path.server, &path.key))
    })?;
    if !removed {
        return Err(missing());
    }
    served.reload()?;
    Ok(Nothing {})
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        let status = match error {
            VaultError::Fs(error) => return error.into(),
            VaultError::Lock(error) => return error.into(),
            VaultError::Name { .. } | VaultError::Value { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::CONFLICT,
        };
        Self::of(status, &error)
    }
}
