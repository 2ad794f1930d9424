//! Sealing a vault's file with `age`: to the identities of a file, or by a passphrase.
//!
//! Everything that knows the format is here. What is sealed stays sealed the same way when a value
//! changes; only [`super::reseal`] changes how. A key never comes from an argument, and no message
//! holds one, nor a word of what is sealed.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, IdentityFile, NoCallbacks, scrypt};
use serde::Serialize;

use super::{VaultError, check_mode};
use crate::env;
use crate::fs::{self, FsError};

/// How a sealed file begins, in text and in bytes.
const SEALED: [&[u8]; 2] = [b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/v1"];
/// Largest file of identities that is read, in bytes.
const MAX_IDENTITY_BYTES: u64 = 1 << 16;
/// Most work that a passphrase may cost, as a power of two: about 16 seconds and 4 GiB. A file that
/// asks for more was made to stop whoever opens it.
const MAX_WORK_FACTOR: u8 = 22;
/// Fewest characters of a passphrase.
const MIN_PASSPHRASE: usize = 8;

/// How the file of a vault is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is, readable by its owner alone.
    Plain,
    /// Sealed to the identities of a file.
    Identity,
    /// Sealed by a passphrase.
    Passphrase,
}

impl Form {
    /// The form in words: `plain`, `encrypted to an identity`, `encrypted with a passphrase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Identity => "encrypted to an identity",
            Self::Passphrase => "encrypted with a passphrase",
        }
    }

    /// How the vault at `path` is kept; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, or what is sealed in it is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let bytes = fs::read_optional(path, super::MAX_BYTES)?;
        bytes.map(|bytes| Self::of(path, &bytes)).transpose()
    }

    pub(super) fn of(path: &Path, bytes: &[u8]) -> Result<Self, VaultError> {
        if !is_sealed(bytes) {
            return Ok(Self::Plain);
        }
        let by_passphrase = opened(path, bytes)?.is_scrypt();
        Ok(if by_passphrase { Self::Passphrase } else { Self::Identity })
    }
}

/// What opens sealed vaults: a file of identities, a passphrase, both or neither.
#[derive(Clone, Default)]
pub struct Keys {
    identity: Option<PathBuf>,
    passphrase: Option<SecretString>,
    /// What a passphrase costs to try, as a power of two; about a second on this machine, if not
    /// set.
    work_factor: Option<u8>,
}

impl fmt::Debug for Keys {
    /// Without the passphrase.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keys")
            .field("identity", &self.identity)
            .field("passphrase", &self.passphrase.is_some())
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// What this process was given: the file that `OSTWIN_VAULT_IDENTITY` names.
    pub fn of_this_process() -> Self {
        let file = env::var_os(env::VAULT_IDENTITY).filter(|file| !file.is_empty());
        Self { identity: file.map(PathBuf::from), ..Self::default() }
    }

    /// Whether there is an identity among them.
    pub fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// The identities in this file.
    pub fn identity(file: &Path) -> Self {
        Self { identity: Some(file.to_owned()), ..Self::default() }
    }

    /// These, and a passphrase.
    ///
    /// # Errors
    /// It is too short to keep anything.
    pub fn and_passphrase(self, passphrase: String) -> Result<Self, VaultError> {
        if passphrase.chars().count() < MIN_PASSPHRASE {
            return Err(VaultError::Passphrase { least: MIN_PASSPHRASE });
        }
        Ok(Self { passphrase: Some(passphrase.into()), ..self })
    }

    /// These, with a passphrase that costs next to nothing to try.
    #[cfg(test)]
    pub(super) fn quickly(self) -> Self {
        Self { work_factor: Some(4), ..self }
    }

    /// The file of identities, which nobody else may read.
    fn identities(&self, vault: &Path) -> Result<(&Path, IdentityFile<NoCallbacks>), VaultError> {
        let Some(file) = self.identity.as_deref() else {
            return Err(VaultError::NeedsIdentity { path: vault.to_owned() });
        };
        let wrong = |problem| VaultError::Identity { path: file.to_owned(), problem };
        let Some(bytes) = fs::read_optional(file, MAX_IDENTITY_BYTES)? else {
            return Err(wrong("it does not exist".to_owned()));
        };
        check_mode(file)?;
        let identities = IdentityFile::from_buffer(bytes.as_slice()).map_err(|_| {
            wrong("only lines with an `AGE-SECRET-KEY-1...` and comments are read".to_owned())
        })?;
        Ok((file, identities))
    }

    fn passphrase(&self, vault: &Path) -> Result<&SecretString, VaultError> {
        let needed = || VaultError::NeedsPassphrase { path: vault.to_owned() };
        self.passphrase.as_ref().ok_or_else(needed)
    }
}

/// What stands in the file at `path`, opened with `keys` if it is sealed.
pub(super) fn unseal<'b>(
    path: &Path,
    bytes: &'b [u8],
    keys: &Keys,
) -> Result<Cow<'b, [u8]>, VaultError> {
    let wrong_key = |key| VaultError::WrongKey { path: path.to_owned(), key };
    let (opened, key) = match Form::of(path, bytes)? {
        Form::Plain => return Ok(Cow::Borrowed(bytes)),
        Form::Passphrase => {
            let mut identity = scrypt::Identity::new(keys.passphrase(path)?.clone());
            identity.set_max_work_factor(MAX_WORK_FACTOR);
            let identities = std::iter::once(&identity as &dyn age::Identity);
            (opened(path, bytes)?.decrypt(identities), "the passphrase".to_owned())
        }
        Form::Identity => {
            let (file, identities) = keys.identities(path)?;
            let key = format!("the identity in `{}`", file.display());
            let identities = identities.into_identities().map_err(|_| wrong_key(key.clone()))?;
            let identities = identities.iter().map(|identity| identity.as_ref() as _);
            (opened(path, bytes)?.decrypt(identities), key)
        }
    };
    let mut reader = opened.map_err(|error| match error {
        DecryptError::NoMatchingKeys
        | DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed => wrong_key(key),
        DecryptError::ExcessiveWork { .. } => {
            damaged(path, "it would take far too long to open: whoever made it wants that")
        }
        _ => damaged(path, "its beginning was changed"),
    })?;
    let mut open = Vec::new();
    let read = reader.read_to_end(&mut open);
    read.map_err(|_| damaged(path, "what is sealed in it was changed or cut off"))?;
    Ok(Cow::Owned(open))
}

/// `bytes` as they are written to `path`: sealed in this form with `keys`.
pub(super) fn seal(
    path: &Path,
    bytes: Vec<u8>,
    form: Form,
    keys: &Keys,
) -> Result<Vec<u8>, VaultError> {
    let sealed = match form {
        Form::Plain => return Ok(bytes),
        Form::Passphrase => {
            let mut recipient = scrypt::Recipient::new(keys.passphrase(path)?.clone());
            if let Some(work_factor) = keys.work_factor {
                recipient.set_work_factor(work_factor);
            }
            sealed_to(std::iter::once(&recipient as _), &bytes)
        }
        Form::Identity => {
            let (file, identities) = keys.identities(path)?;
            let recipients = identities.to_recipients().map_err(|_| VaultError::Identity {
                path: file.to_owned(),
                problem: "it holds no identity".to_owned(),
            })?;
            sealed_to(recipients.iter().map(|recipient| recipient.as_ref() as _), &bytes)
        }
    };
    sealed
        .map_err(|error| VaultError::Sealing { path: path.to_owned(), problem: error.to_string() })
}

fn sealed_to<'r>(
    recipients: impl Iterator<Item = &'r dyn age::Recipient>,
    bytes: &[u8],
) -> std::io::Result<Vec<u8>> {
    let sealed = Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?;
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = sealed.wrap_output(armor)?;
    writer.write_all(bytes)?;
    writer.finish()?.finish()
}

fn opened<'b>(
    path: &Path,
    bytes: &'b [u8],
) -> Result<Decryptor<ArmoredReader<BufReader<&'b [u8]>>>, VaultError> {
    Decryptor::new_buffered(ArmoredReader::new(bytes.trim_ascii_start()))
        .map_err(|_| damaged(path, "it begins like an encrypted file and is none"))
}

fn damaged(path: &Path, problem: &str) -> VaultError {
    VaultError::Malformed { path: path.to_owned(), problem: problem.to_owned() }
}

fn is_sealed(bytes: &[u8]) -> bool {
    SEALED.iter().any(|start| bytes.trim_ascii_start().starts_with(start))
}

/// Makes a file with a new identity, which nobody else can read.
///
/// # Errors
/// There is a file already, or it cannot be written.
pub fn new_identity(file: &Path) -> Result<String, VaultError> {
    use age::secrecy::ExposeSecret as _;

    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let text = format!(
        "# opens what is sealed to {recipient}\n{}\n",
        identity.to_string().expose_secret()
    );
    if file.exists() {
        let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(FsError::new("make", file, error).into());
    }
    if let Some(dir) = file.parent() {
        fs::create_dirs(dir)?;
    }
    fs::replace_private(file, text.as_bytes(), crate::store::Durability::Sync)?;
    Ok(recipient)
}
