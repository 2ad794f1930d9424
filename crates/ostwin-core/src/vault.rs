//! The vault: secrets by server and key, in a file that nobody else can read.
//!
//! There is one for the project (`.agents/vault.json`) and one for the user, across projects; what
//! the project's has wins. Values leave it in two ways only: where a `${vault:server/key}` stands
//! for one, and as what redaction looks for. A vault that cannot be read is an error and is never
//! replaced, because what is in it may be nowhere else. Its file may be sealed; then it stays so.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::fs::{self, FsError};
use crate::layout::{self, Layout};
use crate::lock::{self, LockError};
use crate::redact::Secrets;
use crate::store::Store;

mod seal;

pub use seal::{Form, Keys, new_identity};

/// Largest vault that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Longest name of a server or a key.
const MAX_NAME: usize = 64;
/// Shortest value, in bytes: a shorter one stands in too many texts to be kept out of them.
pub const MIN_VALUE_BYTES: usize = 6;
/// The one key of the file that is no server.
const SCHEMA_VERSION: &str = "schema_version";

/// Why a vault cannot be used. No message holds a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Others may read the file.
    #[error(
        "`{}` has mode {mode:03o}, and nobody but you may read it: `chmod 600 {}`; if others could read it until now, replace what is in it",
        path.display(), path.display()
    )]
    Mode {
        /// The vault.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no vault.
    #[error("`{}` is no vault: {problem}; mend it by hand, it is never replaced", path.display())]
    Malformed {
        /// The vault.
        path: PathBuf,
        /// What is wrong, without a word of the content.
        problem: String,
    },
    /// It is encrypted to an identity that this process was not given.
    #[error(
        "`{}` is encrypted: `OSTWIN_VAULT_IDENTITY` has to name the file of the identity that opens it",
        path.display()
    )]
    NeedsIdentity {
        /// The vault.
        path: PathBuf,
    },
    /// It is encrypted with a passphrase that nobody was asked for.
    #[error(
        "`{}` is encrypted with a passphrase, which is asked for on a terminal only; `ostwin vault encrypt --identity FILE` makes it one that opens without",
        path.display()
    )]
    NeedsPassphrase {
        /// The vault.
        path: PathBuf,
    },
    /// It was encrypted to another key.
    #[error("{key} does not open `{}`, which is left as it is", path.display())]
    WrongKey {
        /// The vault.
        path: PathBuf,
        /// What was tried, never its value.
        key: String,
    },
    /// A file that should hold an identity holds none.
    #[error(
        "`{}` cannot be used as an identity: {problem}; `ostwin vault encrypt --identity FILE` makes one where there is no file",
        path.display()
    )]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A passphrase that is too short.
    #[error("a passphrase has at least {least} characters")]
    Passphrase {
        /// Fewest characters.
        least: usize,
    },
    /// It could not be encrypted.
    #[error("`{}` cannot be encrypted: {problem}", path.display())]
    Sealing {
        /// The vault.
        path: PathBuf,
        /// What failed.
        problem: String,
    },
    /// There is no vault.
    #[error("there is no vault `{}`; `ostwin vault set SERVER KEY` begins one", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// A name that cannot be one.
    #[error(
        "`{name}` cannot name a {what}: letters, digits, `-`, `_` and `.`, at most {MAX_NAME}, beginning with a letter or digit"
    )]
    Name {
        /// What was to be named: `server` or `key`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A value that cannot be kept secret.
    #[error("the value for `{server}/{key}` {problem}")]
    Value {
        /// The server.
        server: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody else changes it.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl VaultError {
    /// Whether the vault is in order and only the key to it is missing.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::NeedsIdentity { .. } | Self::NeedsPassphrase { .. })
    }
}

/// The secrets of one file.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Vault {
    servers: BTreeMap<String, BTreeMap<String, String>>,
}

impl fmt::Debug for Vault {
    /// Without the values.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.names()).finish()
    }
}

impl Vault {
    /// Reads the vault at `path`, opened with `keys` if it is sealed; `None` if there is none.
    ///
    /// # Errors
    /// Others may read it, it is no vault, or `keys` do not open it.
    pub fn read(path: &Path, keys: &Keys) -> Result<Option<Self>, VaultError> {
        Ok(Self::read_with_form(path, keys)?.map(|(vault, _)| vault))
    }

    fn read_with_form(path: &Path, keys: &Keys) -> Result<Option<(Self, Form)>, VaultError> {
        let Some(bytes) = fs::read_optional(path, MAX_BYTES)? else { return Ok(None) };
        check_mode(path)?;
        let form = Form::of(path, &bytes)?;
        Ok(Some((Self::parse(path, &seal::unseal(path, &bytes, keys)?)?, form)))
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, VaultError> {
        let malformed = |problem: String| VaultError::Malformed { path: path.to_owned(), problem };
        // What the parser says about a place is safe to tell; what stands there is not.
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            malformed(format!("line {}, column {}: no JSON", error.line(), error.column()))
        })?;
        let Value::Object(fields) = value else {
            return Err(malformed("an object of servers is expected".to_owned()));
        };
        let mut servers = BTreeMap::new();
        for (server, keys) in fields {
            if server == SCHEMA_VERSION {
                match keys.as_u64() {
                    Some(1) => continue,
                    Some(newer) => {
                        return Err(malformed(format!(
                            "its schema version is {newer}, and this program knows 1"
                        )));
                    }
                    None => return Err(malformed("`schema_version` is no number".to_owned())),
                }
            }
            named("server", &server)?;
            let Value::Object(keys) = keys else {
                return Err(malformed(format!("`{server}` is no object of keys")));
            };
            let mut values = BTreeMap::new();
            for (key, value) in keys {
                named("key", &key)?;
                let Value::String(value) = value else {
                    return Err(malformed(format!("`{server}/{key}` is no text")));
                };
                values.insert(key, value);
            }
            servers.insert(server, values);
        }
        Ok(Self { servers })
    }

    /// One value.
    pub fn get(&self, server: &str, key: &str) -> Option<&str> {
        self.servers.get(server)?.get(key).map(String::as_str)
    }

    /// Sets one value.
    ///
    /// # Errors
    /// A name is none, or the value cannot be kept secret; nothing changed.
    pub fn set(&mut self, server: &str, key: &str, value: &str) -> Result<(), VaultError> {
        named("server", server)?;
        named("key", key)?;
        let refuse = |problem: String| {
            let (server, key) = (server.to_owned(), key.to_owned());
            Err(VaultError::Value { server, key, problem })
        };
        if value.trim().len() < MIN_VALUE_BYTES {
            return refuse(format!(
                "has fewer than {MIN_VALUE_BYTES} bytes: it could not be kept out of what is recorded"
            ));
        }
        if value.contains('\0') {
            return refuse("holds a NUL, which no variable and no argument can".to_owned());
        }
        self.servers.entry(server.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Takes one value out; whether it was there.
    pub fn remove(&mut self, server: &str, key: &str) -> bool {
        let Some(keys) = self.servers.get_mut(server) else { return false };
        let removed = keys.remove(key).is_some();
        if keys.is_empty() {
            self.servers.remove(server);
        }
        removed
    }

    /// The names of all values, `server` and `key`, in order.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.servers
            .iter()
            .flat_map(|(server, keys)| keys.keys().map(move |key| (server.as_str(), key.as_str())))
    }

    fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        for (server, keys) in &self.servers {
            for (key, value) in keys {
                secrets.add(&format!("{server}/{key}"), value);
            }
        }
        secrets
    }

    fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, VaultError> {
        let mut fields = Map::new();
        fields.insert(SCHEMA_VERSION.to_owned(), json!(1));
        for (server, keys) in &self.servers {
            fields.insert(server.clone(), json!(keys));
        }
        Ok(fs::json_bytes(&fields).map_err(|error| FsError::new("serialise", path, error))?)
    }
}

/// Changes the vault at `path` under its lock; a missing one begins empty and plain, and a sealed
/// one stays sealed.
///
/// # Errors
/// It cannot be read, `change` refuses, or it cannot be written; the file is then as it was.
pub fn change<R>(
    store: &Store,
    path: &Path,
    guard: &Path,
    keys: &Keys,
    change: impl FnOnce(&mut Vault) -> Result<R, VaultError>,
) -> Result<R, VaultError> {
    if let Some(dir) = path.parent() {
        fs::create_dirs(dir)?;
    }
    lock::exclusive(guard, store.lock_timeout, || {
        let known = Vault::read_with_form(path, keys)?;
        let (mut vault, form) = known.unwrap_or((Vault::default(), Form::Plain));
        let result = change(&mut vault)?;
        let bytes = seal::seal(path, vault.to_bytes(path)?, form, keys)?;
        fs::replace_private(path, &bytes, store.durability)?;
        Ok(result)
    })?
}

/// Keeps the vault at `path` in another form, sealed with `new`; `keys` open it as it is now. Gives
/// the form that it had.
///
/// # Errors
/// There is none, `keys` do not open it, or it cannot be sealed or written; the file is then as it
/// was.
pub fn reseal(
    store: &Store,
    path: &Path,
    guard: &Path,
    keys: &Keys,
    form: Form,
    new: &Keys,
) -> Result<Form, VaultError> {
    lock::exclusive(guard, store.lock_timeout, || {
        let Some((vault, before)) = Vault::read_with_form(path, keys)? else {
            return Err(VaultError::Missing { path: path.to_owned() });
        };
        let bytes = seal::seal(path, vault.to_bytes(path)?, form, new)?;
        // What cannot be opened again must not take the place of what can.
        if Vault::parse(path, &seal::unseal(path, &bytes, new)?)? != vault {
            let problem = "it would not be the same".to_owned();
            return Err(VaultError::Sealing { path: path.to_owned(), problem });
        }
        fs::replace_private(path, &bytes, store.durability)?;
        Ok(before)
    })?
}

/// Refuses a file that others may read.
///
/// # Errors
/// They may, or the file cannot be looked at. A missing file is fine.
pub fn check_mode(path: &Path) -> Result<(), VaultError> {
    match std::fs::metadata(path) {
        Ok(metadata) => match metadata.permissions().mode() & 0o777 {
            mode if mode & 0o077 == 0 => Ok(()),
            mode => Err(VaultError::Mode { path: path.to_owned(), mode }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FsError::new("look at", path, error).into()),
    }
}

/// The vaults that a project sees, the stronger first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vaults {
    tiers: Vec<(PathBuf, Vault)>,
    /// Where a value is looked for, whether there is a vault or not.
    places: Vec<PathBuf>,
}

impl Vaults {
    /// Reads the vaults of a project and of the user.
    ///
    /// # Errors
    /// One is there and cannot be read, or `keys` do not open it.
    pub fn read(
        layout: &Layout,
        config_dir: Option<&Path>,
        keys: &Keys,
    ) -> Result<Self, VaultError> {
        let mut vaults = Self { tiers: Vec::new(), places: places(layout, config_dir) };
        for path in &vaults.places {
            if let Some(vault) = Vault::read(path, keys)? {
                vaults.tiers.push((path.clone(), vault));
            }
        }
        Ok(vaults)
    }

    /// The vaults that can be read, for programs that only want to know what must not be recorded:
    /// whatever cannot be read is passed over, with its problem.
    pub fn readable(
        layout: &Layout,
        config_dir: Option<&Path>,
        keys: &Keys,
    ) -> (Self, Vec<VaultError>) {
        let mut vaults = Self { tiers: Vec::new(), places: places(layout, config_dir) };
        let mut problems = Vec::new();
        for path in &vaults.places {
            match Vault::read(path, keys) {
                Ok(Some(vault)) => vaults.tiers.push((path.clone(), vault)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        (vaults, problems)
    }

    /// One value: that of the strongest vault that has it.
    pub fn get(&self, server: &str, key: &str) -> Option<&str> {
        self.tiers.iter().find_map(|(_, vault)| vault.get(server, key))
    }

    /// Every value with the file it comes from; of a name that several have, the strongest.
    pub fn names(&self) -> Vec<(String, String, &Path)> {
        let mut found: BTreeMap<(&str, &str), &Path> = BTreeMap::new();
        for (path, vault) in self.tiers.iter().rev() {
            found.extend(vault.names().map(|name| (name, path.as_path())));
        }
        let owned =
            |((server, key), path): ((&str, &str), _)| (server.to_owned(), key.to_owned(), path);
        found.into_iter().map(owned).collect()
    }

    /// Where values are looked for.
    pub fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Every value of every vault, by name: what must not be recorded.
    pub fn secrets(&self) -> Secrets {
        let all = self.tiers.iter().map(|(_, vault)| vault.secrets());
        all.fold(Secrets::default(), |all, secrets| all.and(&secrets))
    }
}

/// Where the vaults of a project and of the user are, the stronger first.
pub fn places(layout: &Layout, config_dir: Option<&Path>) -> Vec<PathBuf> {
    std::iter::once(layout.vault()).chain(config_dir.map(layout::user_vault)).collect()
}

/// Refuses what cannot name a secret.
///
/// # Errors
/// One of the names is none.
pub fn check_names(server: &str, key: &str) -> Result<(), VaultError> {
    named("server", server)?;
    named("key", key)
}

fn named(what: &'static str, name: &str) -> Result<(), VaultError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let fine = begins && name.len() <= MAX_NAME && name.chars().all(allowed);
    if fine && !(what == "server" && name == SCHEMA_VERSION) {
        Ok(())
    } else {
        Err(VaultError::Name { what, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests;
