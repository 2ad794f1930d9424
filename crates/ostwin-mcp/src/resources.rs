//! Resources: texts that a client reads by their address, without a model that asks for them.
//!
//! A session's own texts have fixed addresses (`ostwin://room/brief`); where the client has to say
//! whose text it wants, the address has one place for an id (`ostwin://rooms/{room_id}/brief`).

use rmcp::model::{MetaObject, ResourceContents, ResourceTemplate};
use serde_json::{Map, Value};

use crate::error::{Code, ToolError};

/// What a resource says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its address; one with a `{name}` in it stands for as many resources as there are values.
    pub address: &'static str,
    /// Its name for programs.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// What it holds.
    pub description: &'static str,
    /// The type of its content.
    pub mime_type: &'static str,
}

/// The content of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The text.
    pub text: String,
    /// What is to be known of it and is no part of it, such as how much was left out.
    pub meta: Map<String, Value>,
}

impl Content {
    /// The content as it is sent, under the address that was asked for.
    pub(crate) fn at(self, address: String, mime_type: &str) -> ResourceContents {
        let contents = ResourceContents::text(self.text, address).with_mime_type(mime_type);
        if self.meta.is_empty() { contents } else { contents.with_meta(MetaObject(self.meta)) }
    }
}

type Read<S> = dyn Fn(&S, Option<&str>) -> Result<Content, ToolError> + Send + Sync;

/// A resource, or all those of one template, of a server whose state is `S`.
pub struct Resource<S> {
    pub(crate) about: About,
    read: Box<Read<S>>,
}

impl<S> Resource<S> {
    /// A resource whose content is what `read` makes of the value that stands in the address at
    /// the place of the template's variable; `None` for an address without one.
    pub fn new(
        about: About,
        read: impl Fn(&S, Option<&str>) -> Result<Content, ToolError> + Send + Sync + 'static,
    ) -> Self {
        Self { about, read: Box::new(read) }
    }

    /// Reads the content; `value` as [`Resource::named`] found it.
    ///
    /// # Errors
    /// What the caller should read.
    pub fn read(&self, state: &S, value: Option<&str>) -> Result<Content, ToolError> {
        (self.read)(state, value)
    }

    /// Whether `address` is one of this resource: the value at the variable's place, where the
    /// template has one.
    pub fn named<'a>(&self, address: &'a str) -> Option<Option<&'a str>> {
        let Some((before, after)) = variable(self.about.address) else {
            return (self.about.address == address).then_some(None);
        };
        let value = address.strip_prefix(before)?.strip_suffix(after)?;
        (!value.is_empty() && !value.contains('/')).then_some(Some(value))
    }

    /// The resource as a client lists it; `None` if it is a template.
    pub(crate) fn listed(&self) -> Option<rmcp::model::Resource> {
        let About { address, name, title, description, mime_type } = self.about;
        variable(address).is_none().then(|| {
            rmcp::model::Resource::new(address, name)
                .with_title(title)
                .with_description(description)
                .with_mime_type(mime_type)
        })
    }

    /// The template as a client lists it; `None` if it is a single resource.
    pub(crate) fn template(&self) -> Option<ResourceTemplate> {
        let About { address, name, title, description, mime_type } = self.about;
        variable(address).is_some().then(|| {
            ResourceTemplate::new(address, name)
                .with_title(title)
                .with_description(description)
                .with_mime_type(mime_type)
        })
    }
}

impl<S> std::fmt::Debug for Resource<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource").field("about", &self.about).finish_non_exhaustive()
    }
}

/// What stands before and behind the variable of a template.
fn variable(address: &str) -> Option<(&str, &str)> {
    let (before, rest) = address.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    Some((before, after))
}

/// What is answered for an address that no resource has.
pub(crate) fn unknown<S>(address: &str, resources: &[Resource<S>]) -> ToolError {
    let known: Vec<_> = resources.iter().map(|resource| resource.about.address).collect();
    ToolError::new(
        Code::NotFound,
        format!("no resource `{address}` here; there are {}", known.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(address: &'static str) -> Resource<()> {
        let about = About {
            address,
            name: "brief",
            title: "Brief",
            description: "What is to be done.",
            mime_type: "text/markdown",
        };
        Resource::new(about, |(), _| Ok(Content::default()))
    }

    #[test]
    fn an_address_is_taken_whole_or_not_at_all() {
        let own = resource("ostwin://room/brief");
        assert_eq!(own.named("ostwin://room/brief"), Some(None));
        assert_eq!(own.named("ostwin://room/brief/"), None);
        let each = resource("ostwin://rooms/{room_id}/brief");
        assert_eq!(each.named("ostwin://rooms/room-001/brief"), Some(Some("room-001")));
        // What stands at the variable's place is checked by whoever reads.
        assert_eq!(each.named("ostwin://rooms/../brief"), Some(Some("..")));
        let others =
            ["rooms//brief", "rooms/a/b/brief", "rooms/room-001", "rooms/room-001/channel"];
        for address in others {
            assert_eq!(each.named(&format!("ostwin://{address}")), None, "{address}");
        }
    }

    #[test]
    fn a_template_is_listed_as_one() {
        let own = resource("ostwin://room/brief");
        assert!(own.listed().is_some() && own.template().is_none());
        let each = resource("ostwin://rooms/{room_id}/brief");
        assert!(each.listed().is_none() && each.template().is_some());
    }
}
