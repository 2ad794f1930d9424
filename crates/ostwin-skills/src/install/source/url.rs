//! The address of something elsewhere.

use std::fmt;

use ostwin_core::ids::SkillPath;

use super::SourceError;

/// The address of something elsewhere, which passed the checks of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    scheme: Scheme,
    loopback: bool,
}

/// The ways to get something from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::install) enum Scheme {
    Https,
    Http,
    Ssh,
    File,
}

impl Url {
    /// Parses an address that something is downloaded from.
    ///
    /// # Errors
    /// It is none, or one that is not asked.
    pub fn web(text: &str) -> Result<Self, SourceError> {
        let url = Self::parse(text)?;
        match url.scheme {
            Scheme::Https | Scheme::Http => Ok(url),
            Scheme::Ssh | Scheme::File => {
                Err(SourceError::new(text, "only `https://` addresses can be downloaded from"))
            }
        }
    }

    pub(in crate::install) fn parse(text: &str) -> Result<Self, SourceError> {
        let refuse = |problem: &str| Err(SourceError::new(text, problem));
        let plain =
            |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '`' | '<' | '>');
        if !text.chars().all(plain) {
            return refuse(
                "an address holds printable ASCII without quotes and spaces; write others as %XX",
            );
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("an address starts with `https://`");
        };
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" => Scheme::Ssh,
            "file" => Scheme::File,
            _ => return refuse("only `https://`, `ssh://` and `file://` addresses are used"),
        };
        let Some(slash) = rest.find('/') else { return refuse("the address names no path") };
        let (authority, path) = rest.split_at(slash);
        if path.len() < 2 {
            return refuse("the address names no path");
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if scheme == Scheme::File {
            return if authority.is_empty() {
                Ok(Self { text: text.to_owned(), scheme, loopback: true })
            } else {
                refuse("a `file://` address names no host: write `file:///path`")
            };
        }
        if user.is_some() && scheme != Scheme::Ssh {
            return refuse(
                "an address holds no user or password, because it is kept in a file; leave them \
                 to Git's credential helper",
            );
        }
        let word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if user.is_some_and(|user| !word(user)) {
            return refuse("the user of an `ssh://` address is one plain word, without a password");
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_v6 = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
        if !(is_v6 || word(name)) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return refuse("the host is no name or number");
        }
        let loopback = name == "localhost"
            || name == "[::1]"
            || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if scheme == Scheme::Http && !loopback {
            return refuse("`http://` can be read and changed on its way; use `https://`");
        }
        Ok(Self { text: text.to_owned(), scheme, loopback })
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(in crate::install) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it is on this machine.
    pub(in crate::install) fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The address of something below the folder of this one.
    pub(in crate::install) fn sibling(&self, path: &SkillPath) -> Result<Self, SourceError> {
        let end = self.text.find(['?', '#']).unwrap_or(self.text.len());
        let folder = self.text[..end].rfind('/').map_or(end, |slash| slash + 1);
        Self::parse(&format!("{}{path}", &self.text[..folder]))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
