//! Who may come in: whoever shows the project's token.
//!
//! A program sends the token itself. A browser is let in by a link that is good once and for a few
//! minutes, and gets a cookie for it that no script can read and that no other page's request
//! carries. The link and the cookie are made from the token, so the server remembers nothing that a
//! restart would lose, and a new token ends every session.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::entropy;
use ostwin_core::layout::Layout;
use ostwin_core::store::Durability;
use ostwin_core::time::{Timestamp, system_clock};
use ostwin_core::vault::{self, VaultError};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::http::Problem;

/// What the name of the cookie begins with; the rest tells one project's from another's, because
/// browsers share cookies between the ports of a machine.
pub(crate) const COOKIE: &str = "ostwin_session";
/// Random bytes of a token.
pub const TOKEN_BYTES: usize = 32;
/// How long a link is good.
const LINK: Duration = Duration::from_secs(10 * 60);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Others may read it.
    #[error(transparent)]
    Mode(#[from] VaultError),
    /// What is in it is no token.
    #[error("`{}` holds no token of {TOKEN_BYTES} bytes in hex: remove it, and the next start makes one", path.display())]
    NoToken {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The system gave no random bits.
    #[error("no random bits for a token")]
    Entropy(#[source] std::io::Error),
}

/// The token of a project; made if there is none yet.
///
/// # Errors
/// [`DoorError`]; a file that is there is never replaced.
pub fn token_of(layout: &Layout) -> Result<String, DoorError> {
    let path = layout.dashboard_token();
    vault::check_mode(&path)?;
    if let Some(bytes) = fs::read_optional(&path, 4096)? {
        let token = String::from_utf8_lossy(&bytes).trim().to_owned();
        let whole = token.len() == 2 * TOKEN_BYTES;
        return if whole && token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(token)
        } else {
            Err(DoorError::NoToken { path })
        };
    }
    let random = || entropy().map_err(DoorError::Entropy);
    let token = format!("{:032x}{:032x}", random()?, random()?);
    fs::replace_private(&path, format!("{token}\n").as_bytes(), Durability::Sync)?;
    Ok(token)
}

/// The address that lets a browser in, once and within ten minutes. `base` is where the server is:
/// `http://127.0.0.1:3366`.
///
/// # Errors
/// The system gave no random bits.
pub fn one_time_link(base: &str, token: &str) -> Result<String, DoorError> {
    // Half of the bits tell the links of ten minutes apart.
    let nonce = entropy().map_err(DoorError::Entropy)? >> 64;
    let until = system_clock().now().plus(LINK);
    Ok(format!("{base}/auth?token={}", code(token, until, nonce)))
}

/// `<until>.<nonce>.<proof>`, short enough for one line of a terminal.
fn code(token: &str, until: Timestamp, nonce: u128) -> String {
    let claim = format!("{:x}.{nonce:x}", until.as_millis());
    let proof = link_proof(token, &claim);
    format!("{claim}.{proof}")
}

/// The first half of the proof: 128 bits, as RFC 2104 (section 5) allows, are beyond guessing.
fn link_proof(token: &str, claim: &str) -> String {
    let mut proof = proof(token, "link", claim);
    proof.truncate(32);
    proof
}

/// That whoever made `claim` knows the token.
fn proof(token: &str, purpose: &str, claim: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        return String::new();
    };
    mac.update(purpose.as_bytes());
    mac.update(b":");
    mac.update(claim.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// Whether a path is served to anybody: the pages hold nothing, and what they show they ask for.
pub(crate) fn is_open(path: &str) -> bool {
    let guarded = path == "/api" || path.starts_with("/api/") || path == "/metrics";
    path == "/api/health" || !guarded
}

/// The door of one server.
pub(crate) struct Door {
    token: String,
    session: String,
    cookie: String,
    /// Links that were used, with the moment from which on they would be too old anyway.
    used: Mutex<HashMap<String, Timestamp>>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

impl Door {
    /// The door to which `token` is the key.
    pub(crate) fn new(token: String) -> Self {
        let session = proof(&token, "session", "");
        let name: String = proof(&token, "name", "").chars().take(8).collect();
        Self { session, cookie: format!("{COOKIE}_{name}"), token, used: Mutex::default() }
    }

    /// Whether a request shows the token itself.
    pub(crate) fn shows_token(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        token.is_some_and(|token| same(&self.token, token))
    }

    /// Whether a request carries the cookie of somebody who was let in.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        let jar = CookieJar::from_headers(headers);
        jar.get(&self.cookie).is_some_and(|cookie| same(&self.session, cookie.value()))
    }

    /// What somebody is told who is not let in.
    pub(crate) fn stranger(&self) -> Problem {
        let words = "open the link that `ostwin dashboard` prints, or send the token of \
                     `.agents/dashboard.token` as `Authorization: Bearer`";
        Problem::new(StatusCode::UNAUTHORIZED, words)
    }

    /// The cookie for whoever comes with a link that is good, which it is not any more then.
    pub(crate) fn let_in(&self, code: &str, now: Timestamp) -> Option<Cookie<'static>> {
        let (claim, shown) = code.rsplit_once('.')?;
        if !same(&link_proof(&self.token, claim), shown) {
            return None;
        }
        let (until, _) = claim.split_once('.')?;
        let until = Timestamp::from_millis(i64::from_str_radix(until, 16).ok()?);
        if now >= until {
            return None;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| now < *until);
        if used.insert(claim.to_owned(), until).is_some() {
            return None;
        }
        let mut cookie = Cookie::new(self.cookie.clone(), self.session.clone());
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Strict);
        cookie.set_path("/");
        cookie.make_permanent();
        Some(cookie)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TOKEN: &str = "11223344556677889900aabbccddeeff11223344556677889900aabbccddeeff";

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_token_is_made_once_and_only_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        fs::create_dirs(&layout.agents()).unwrap();
        let token = token_of(&layout).unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        assert_eq!(token_of(&layout).unwrap(), token);
        let file = layout.dashboard_token();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(token_of(&layout).unwrap_err().to_string().contains("chmod 600"));
        for wrong in ["", "short", &"x".repeat(64)] {
            fs::replace_private(&file, wrong.as_bytes(), Durability::Os).unwrap();
            assert!(matches!(token_of(&layout), Err(DoorError::NoToken { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_link_is_good_once_and_not_for_long() {
        let door = Door::new(TOKEN.to_owned());
        let link = code(TOKEN, at(1_000), 7);
        assert!(door.let_in(&link, at(1_000)).is_none(), "too late");
        let cookie = door.let_in(&link, at(999)).unwrap();
        assert!(door.let_in(&link, at(999)).is_none(), "used");
        assert!(cookie.http_only().unwrap_or_default());
        assert_eq!(cookie.same_site(), Some(SameSite::Strict));
        assert!(!cookie.value().contains(TOKEN));

        let mut headers = HeaderMap::new();
        assert!(!door.knows(&headers));
        let shown = format!("other=1; {}={}", cookie.name(), cookie.value());
        headers.insert(header::COOKIE, shown.parse().unwrap());
        assert!(door.knows(&headers));
        assert!(Door::new(TOKEN.to_owned()).knows(&headers), "a restart changes nothing");
        assert!(!Door::new(TOKEN.replace('1', "2")).knows(&headers), "another token does");
    }

    #[test]
    fn a_link_cannot_be_made_without_the_token() {
        let door = Door::new(TOKEN.to_owned());
        let good = code(TOKEN, at(1_000), 7);
        let later = good.replacen("3e8.", "fe8.", 1);
        let foreign = code(&TOKEN.replace('1', "2"), at(1_000), 7);
        for wrong in ["", ".", "..", "3e8.7.", &later, &foreign, &good[..good.len() - 1]] {
            assert!(door.let_in(wrong, at(1)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_the_whole_token_is_one() {
        let door = Door::new(TOKEN.to_owned());
        let shows = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            door.shows_token(&headers)
        };
        assert!(shows(&format!("Bearer {TOKEN}")) && shows(&format!("bearer {TOKEN}")));
        for wrong in ["", "Bearer", "Bearer ", TOKEN, &format!("Basic {TOKEN}"), "Bearer 1122"] {
            assert!(!shows(wrong), "{wrong}");
        }
        assert!(!door.shows_token(&HeaderMap::new()));
    }

    #[test]
    fn only_pages_and_health_are_open() {
        for path in ["/", "/plans/x", "/assets/a.js", "/auth", "/api/health", "/apix"] {
            assert!(is_open(path), "{path}");
        }
        for path in ["/api", "/api/", "/api/plans", "/api/stream", "/metrics", "/api/health/x"] {
            assert!(!is_open(path), "{path}");
        }
    }
}
