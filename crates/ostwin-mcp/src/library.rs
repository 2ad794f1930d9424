//! Skills by the protocol's own extension (SEP-2640): a client lists them with the hash of every
//! file and reads the files by their address, without a tool and without a model that asks.
//!
//! Here is what such a server answers; which skills there are, its state knows.

use rmcp::ErrorData;
use rmcp::model::{
    GetSkillResult, ListSkillsResult, PaginatedRequestParams, ResourceContents, Skill,
};
use serde_json::{Map, Value};

use crate::error::ToolError;
use crate::server::Inner;
use crate::tool_log::shortened;

/// What the addresses of skills begin with.
pub const SCHEME: &str = "skill://";

/// Some of the skills, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The skills.
    pub skills: Vec<Skill>,
    /// How many stand before the next page; none if this is the last.
    pub next: Option<usize>,
}

/// How a server over the state `S` answers for its skills.
#[derive(Debug)]
pub struct Library<S> {
    /// The skills behind the first so many.
    pub list: fn(&S, usize) -> Result<Page, ToolError>,
    /// The skill whose `SKILL.md` has this address.
    pub get: fn(&S, &str) -> Result<Skill, ToolError>,
    /// The file with this address.
    pub read: fn(&S, &str) -> Result<ResourceContents, ToolError>,
}

impl<S: Send + Sync + 'static> Inner<S> {
    /// Asks the library, if there is one, and logs that.
    pub(crate) fn ask_library<T>(
        &self,
        method: &str,
        asked: (&str, Value),
        ask: impl FnOnce(&Library<S>, &S) -> Result<T, ToolError>,
    ) -> Result<Option<T>, ToolError> {
        let Some(library) = &self.offer.library else { return Ok(None) };
        let arguments = Map::from_iter([(asked.0.to_owned(), asked.1)]);
        self.logged(method, shortened(&arguments), || ask(library, self.state())).map(Some)
    }
}

/// How many entries stand before the page that is asked for.
pub(crate) fn skip(request: Option<&PaginatedRequestParams>) -> Result<usize, ErrorData> {
    let Some(cursor) = request.and_then(|request| request.cursor.as_deref()) else { return Ok(0) };
    cursor.parse().map_err(|_| {
        let text = "`cursor` is none: pass `nextCursor` of the answer before unchanged";
        ErrorData::invalid_params(text, None)
    })
}

/// A page as the answer to `skills/list`.
pub(crate) fn listed(page: Page) -> ListSkillsResult {
    let mut listed = ListSkillsResult::with_all_items(page.skills);
    listed.next_cursor = page.next.map(|next| next.to_string());
    listed
}

/// A skill as the answer to `skills/get`.
pub(crate) fn got(skill: Skill) -> GetSkillResult {
    GetSkillResult::new(skill)
}

/// A skill's `SKILL.md` among other resources, for clients that do not know the extension.
pub(crate) fn document(skill: &Skill) -> rmcp::model::Resource {
    rmcp::model::Resource::new(skill.uri.clone(), skill.name())
        .with_description(skill.frontmatter.description.clone())
        .with_mime_type("text/markdown")
}
