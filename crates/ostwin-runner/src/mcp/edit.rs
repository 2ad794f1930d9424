//! Changing one server in the file of a tier. Everything else in the file stays as it is.

use std::path::{Path, PathBuf};

use ostwin_core::fs::{self, FsError};
use ostwin_core::json::from_slice_located;
use ostwin_core::lock::{self, LockError};
use ostwin_core::store::Store;
use serde_json::{Map, Value, json};

use super::config::{McpError, Server, parse};
use super::merge::layer;
use super::own::OWN;
use super::servers::{ServerFilter, resolve};

/// Largest file of MCP servers that is changed, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The two keys under which a file has servers, the own spelling first.
const SPELLINGS: [&str; 2] = ["mcp", "mcpServers"];

/// Why a tier's file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file, or the new entry, makes no sense.
    #[error(transparent)]
    Mcp(#[from] McpError),
    /// The file has a server of this name.
    #[error("`{}` has a server `{name}`; `--replace` replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// The server.
        name: String,
    },
    /// Neither the file nor one of a lower tier has a server of this name.
    #[error("neither `{}` nor a lower tier has a server `{name}`{}", path.display(), removed_words(*removed))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The server.
        name: String,
        /// The file removes it already.
        removed: bool,
    },
    /// The name is that of an own server.
    #[error(
        "`{name}` is an own server, which no file replaces or removes; a role or an epic with \
         `no_mcp` has no servers at all"
    )]
    Own {
        /// The server.
        name: String,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody else changes it.
    #[error(transparent)]
    Lock(#[from] LockError),
}

fn removed_words(removed: bool) -> &'static str {
    if removed { ": it is removed there already" } else { "; `ostwin mcp list` lists them" }
}

/// What became of a server that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Its entry is gone from the file.
    Deleted,
    /// A lower tier has it: the file hides that one by `null` now.
    Hidden,
}

/// The file of one tier, and its lock.
#[derive(Clone, Debug)]
pub struct TierFile {
    /// The file.
    pub path: PathBuf,
    /// The lock of whoever changes it.
    pub guard: PathBuf,
}

impl TierFile {
    /// Adds a server to the file, which is made if it is missing. Whether there was one of this
    /// name, which it replaces.
    ///
    /// # Errors
    /// There is one and it is not to be replaced, the entry makes no sense, one of its placeholders
    /// is none, or the file cannot be read or written; nothing changed then.
    pub fn add(
        &self,
        store: &Store,
        name: &str,
        server: &Server,
        replace: bool,
    ) -> Result<bool, EditError> {
        refuse_own(name)?;
        self.change(store, |path, file| {
            let there = SPELLINGS.iter().any(|key| entry_of(file, key, name).is_some());
            let live = SPELLINGS.iter().filter_map(|key| entry_of(file, key, name));
            if live.clone().any(|entry| !entry.is_null()) && !replace {
                let (path, name) = (path.to_owned(), name.to_owned());
                return Err(EditError::Exists { path, name });
            }
            drop(live);
            if let Some(Value::Object(common)) = file.get_mut("mcpServers") {
                common.shift_remove(name);
            }
            servers_of(file, path, "mcp")?.insert(name.to_owned(), written(server));
            check(path, file, name)?;
            Ok(there)
        })
    }

    /// Takes a server out of the file; one that only a lower tier has is hidden by `null`.
    ///
    /// # Errors
    /// Nobody has a server of this name, or the file cannot be read or written; nothing changed
    /// then.
    pub fn remove(
        &self,
        store: &Store,
        name: &str,
        is_in_lower_tier: bool,
    ) -> Result<Removed, EditError> {
        refuse_own(name)?;
        self.change(store, |path, file| {
            let mut removed = false;
            for key in SPELLINGS {
                match entry_of(file, key, name) {
                    Some(Value::Null) => removed = true,
                    Some(_) => {
                        servers_of(file, path, key)?.shift_remove(name);
                        return Ok(Removed::Deleted);
                    }
                    None => {}
                }
            }
            if removed || !is_in_lower_tier {
                let (path, name) = (path.to_owned(), name.to_owned());
                return Err(EditError::Unknown { path, name, removed });
            }
            servers_of(file, path, "mcp")?.insert(name.to_owned(), Value::Null);
            Ok(Removed::Hidden)
        })
    }

    fn change<R>(
        &self,
        store: &Store,
        change: impl FnOnce(&Path, &mut Map<String, Value>) -> Result<R, EditError>,
    ) -> Result<R, EditError> {
        for path in [&self.path, &self.guard] {
            if let Some(dir) = path.parent() {
                fs::create_dirs(dir)?;
            }
        }
        lock::exclusive(&self.guard, store.lock_timeout, || {
            let mut file: Map<String, Value> = match fs::read_optional(&self.path, MAX_BYTES)? {
                Some(bytes) => {
                    // What is wrong already is said before anything is added to it.
                    parse(&self.path, &bytes)?;
                    from_slice_located(&self.path, &bytes).map_err(McpError::from)?
                }
                None => Map::new(),
            };
            let result = change(&self.path, &mut file)?;
            fs::replace_json(&self.path, &file, store.durability)?;
            Ok(result)
        })?
    }
}

fn refuse_own(name: &str) -> Result<(), EditError> {
    if OWN.contains(&name) { Err(EditError::Own { name: name.to_owned() }) } else { Ok(()) }
}

fn entry_of<'f>(file: &'f Map<String, Value>, key: &str, name: &str) -> Option<&'f Value> {
    file.get(key)?.as_object()?.get(name)
}

/// The servers of the file in one spelling.
fn servers_of<'f>(
    file: &'f mut Map<String, Value>,
    path: &Path,
    key: &str,
) -> Result<&'f mut Map<String, Value>, EditError> {
    let servers = file.entry(key).or_insert_with(|| json!({}));
    servers.as_object_mut().ok_or_else(|| {
        let problem = format!("`{key}` is no object of servers");
        McpError::Entry { path: path.to_owned(), name: key.to_owned(), problem }.into()
    })
}

/// An entry in the own spelling, without what says nothing.
fn written(server: &Server) -> Value {
    let mut entry = match server {
        Server::Local { command, environment } => {
            json!({ "type": "local", "command": command, "environment": environment })
        }
        Server::Remote { url, headers, sse } => {
            let kind = if *sse { "sse" } else { "remote" };
            json!({ "type": kind, "url": url, "headers": headers })
        }
    };
    if let Some(fields) = entry.as_object_mut() {
        fields.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
    }
    entry
}

/// Refuses an entry that no session could be given, whatever the environment and the vault hold.
fn check(path: &Path, file: &Map<String, Value>, name: &str) -> Result<(), EditError> {
    let bytes =
        serde_json::to_vec(file).map_err(|error| FsError::new("serialise", path, error.into()))?;
    let servers = layer(path, parse(path, &bytes)?);
    let only = ServerFilter { no_mcp: false, refs: Some(vec![name.to_owned()]) };
    resolve(Vec::new(), &servers, &only, &|_| Some("https://value".to_owned()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ostwin_core::store::Durability;

    use super::*;

    struct Place {
        dir: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let store = Store { durability: Durability::Os, ..Store::default() };
            Self { dir: tempfile::tempdir().unwrap(), store }
        }

        fn file(&self) -> TierFile {
            let path = |name: &str| self.dir.path().join("mcp").join(name);
            TierFile { path: path("config.json"), guard: path("lock") }
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.file().path).unwrap_or_default()
        }

        fn add(&self, name: &str, server: &Server, replace: bool) -> Result<bool, String> {
            let added = self.file().add(&self.store, name, server, replace);
            added.map_err(|error| self.told(&error))
        }

        fn remove(&self, name: &str, lower: bool) -> Result<Removed, String> {
            let removed = self.file().remove(&self.store, name, lower);
            removed.map_err(|error| self.told(&error))
        }

        fn told(&self, error: &dyn std::error::Error) -> String {
            let source = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{source}").replace(&self.file().path.display().to_string(), "FILE")
        }
    }

    fn local(words: &[&str], env: &[(&str, &str)]) -> Server {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Server::Local {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: env.iter().map(owned).collect(),
        }
    }

    #[test]
    fn a_server_is_added_beside_what_is_there() {
        let place = Place::new();
        assert_eq!(place.add("db", &local(&["db-mcp", "--ro"], &[]), false), Ok(false));
        insta::assert_snapshot!(place.text(), @r#"
        {
          "mcp": {
            "db": {
              "type": "local",
              "command": [
                "db-mcp",
                "--ro"
              ]
            }
          }
        }
        "#);
        let foreign = r#"{"$schema":"s","later":{"z":1,"a":[2.50]},"mcpServers":{"db":{"command":"x","note":"kept?"},"web":{"url":"https://example.org"}}}"#;
        ostwin_core::fs::replace_hint(&place.file().path, foreign.as_bytes()).unwrap();
        let with = local(&["db"], &[("TOKEN", "${vault:db/token}")]);
        assert_eq!(
            place.add("db", &with, false).unwrap_err(),
            "`FILE` has a server `db`; `--replace` replaces it"
        );
        assert_eq!(place.text(), foreign);
        assert_eq!(place.add("db", &with, true), Ok(true));
        let value: Value = serde_json::from_str(&place.text()).unwrap();
        assert_eq!(
            value.to_string(),
            r#"{"$schema":"s","later":{"z":1,"a":[2.5]},"mcpServers":{"web":{"url":"https://example.org"}},"mcp":{"db":{"type":"local","command":["db"],"environment":{"TOKEN":"${vault:db/token}"}}}}"#
        );
    }

    #[test]
    fn what_no_session_could_be_given_is_refused_and_changes_nothing() {
        let place = Place::new();
        let remote = |url: &str| Server::Remote {
            url: url.to_owned(),
            headers: BTreeMap::new(),
            sse: false,
        };
        for (name, server, problem) in [
            ("a b", local(&["x"], &[]), "a name has 1 to 64 ASCII letters"),
            ("db", local(&[], &[]), "a local server needs `command`"),
            ("db", local(&["x"], &[("A", "${A")]), "`${A` is no placeholder"),
            ("db", remote("https://${vault:x}/"), "`${vault:x}/` is no placeholder"),
            ("db", remote("mcp.example.org"), "an address is `https://` or `http://`"),
            ("db", local(&["x", "${vault:a/b}"], &[]), "put a secret into an argument"),
            ("warroom", local(&["x"], &[]), "`warroom` is an own server"),
        ] {
            let error = place.add(name, &server, false).unwrap_err();
            assert!(error.contains(problem), "{error}");
            assert_eq!(place.text(), "");
        }
    }

    #[test]
    fn a_server_is_taken_out_or_hidden() {
        let place = Place::new();
        place.add("db", &local(&["x"], &[]), false).unwrap();
        assert_eq!(place.remove("db", true), Ok(Removed::Deleted));
        assert_eq!(place.remove("db", true), Ok(Removed::Hidden));
        let value: Value = serde_json::from_str(&place.text()).unwrap();
        assert_eq!(value, json!({ "mcp": { "db": null } }));
        assert_eq!(
            place.remove("db", true).unwrap_err(),
            "neither `FILE` nor a lower tier has a server `db`: it is removed there already"
        );
        assert_eq!(
            place.remove("web", false).unwrap_err(),
            "neither `FILE` nor a lower tier has a server `web`; `ostwin mcp list` lists them"
        );
        assert_eq!(place.add("db", &local(&["y"], &[]), false), Ok(true), "it shows it again");
    }
}
