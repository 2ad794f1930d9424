//! Getting a file from an address: `https` with its certificates checked, or `http` on this
//! machine; bounded in size and time.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use ostwin_core::env;
use ostwin_core::fs::{self, FsError};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Error};

use super::Pause;
use super::source::{Scheme, Url};

/// Longest time for one download.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longest time until somebody answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that are read between two looks at whether anybody still waits.
const CHUNK_BYTES: usize = 64 << 10;
/// Names a file of certificates to trust instead of the usual ones.
const CERTIFICATES: &str = "SSL_CERT_FILE";
/// Largest file of certificates.
const MAX_CERTIFICATES_BYTES: u64 = 4 << 20;

/// Why something was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It is larger than it may be.
    #[error("`{url}` is larger than {} MiB, which is too large for a skill", limit >> 20)]
    TooLarge {
        /// The address.
        url: String,
        /// The bound, in bytes.
        limit: u64,
    },
    /// There is nothing at the address.
    #[error("there is nothing at `{url}` (status {status})")]
    Nothing {
        /// The address.
        url: String,
        /// The answer's status.
        status: u16,
    },
    /// Nobody answered, or not as it should be.
    #[error("cannot download `{url}`")]
    Failed {
        /// The address.
        url: String,
        /// What went wrong.
        #[source]
        source: Box<Error>,
    },
    /// The certificates that are to be trusted cannot be read.
    #[error("cannot read the certificates in `{}`, which {CERTIFICATES} names", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nobody waits for it any more.
    #[error("the download of `{url}` was given up, because nobody waits for it any more")]
    GivenUp {
        /// The address.
        url: String,
    },
}

/// The content at `url`, at most `limit` bytes.
///
/// # Errors
/// [`DownloadError`].
pub(super) fn download(url: &Url, limit: u64, pause: Pause) -> Result<Vec<u8>, DownloadError> {
    let text = || url.to_string();
    let failed = |error: Error| match error {
        Error::StatusCode(status @ (404 | 410)) => DownloadError::Nothing { url: text(), status },
        source => DownloadError::Failed { url: text(), source: Box::new(source) },
    };
    let mut answer = agent(url)?.get(url.as_str()).call().map_err(failed)?;
    let too_large = || DownloadError::TooLarge { url: text(), limit };
    if answer.body().content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = answer.body_mut().as_reader();
    let mut bytes = Vec::new();
    loop {
        if !pause(Duration::ZERO) {
            return Err(DownloadError::GivenUp { url: text() });
        }
        let chunk = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
        let read = body.by_ref().take(chunk).read_to_end(&mut bytes);
        if read.map_err(|error| failed(Error::from(error)))? == 0 {
            return Ok(bytes);
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(too_large());
        }
    }
}

fn agent(url: &Url) -> Result<Agent, DownloadError> {
    let on_this_machine = url.scheme() == Scheme::Http;
    let mut config = Agent::config_builder()
        .https_only(!on_this_machine)
        // A program on this machine has no reason to send anybody elsewhere.
        .max_redirects(if on_this_machine { 0 } else { 5 })
        .timeout_global(Some(TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .user_agent(concat!("ostwin/", env!("CARGO_PKG_VERSION")));
    if on_this_machine {
        config = config.proxy(None);
    } else if let Some(trusted) = certificates()? {
        config = config.tls_config(TlsConfig::builder().root_certs(trusted).build());
    }
    Ok(config.build().new_agent())
}

/// The certificates that the environment names, where an organisation has its own.
fn certificates() -> Result<Option<RootCerts>, DownloadError> {
    let Some(path) = env::var_os(CERTIFICATES).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    let bytes = fs::read(&path, MAX_CERTIFICATES_BYTES).map_err(|error: FsError| {
        DownloadError::Certificates { path: path.clone(), source: Box::new(error) }
    })?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => {
                return Err(DownloadError::Certificates { path, source: Box::new(error) });
            }
        }
    }
    Ok(Some(RootCerts::new_with_certs(&certificates)))
}
