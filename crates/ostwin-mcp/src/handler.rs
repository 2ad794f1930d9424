//! The protocol's side of a server: which request asks for what, and how a refusal is written.
//!
//! A tool that fails answers with a result that says so. A resource or a prompt has no such
//! result, so its failure is an error of the protocol that carries the same words.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, GetPromptRequestMethod, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, GetSkillRequestMethod, GetSkillRequestParams,
    GetSkillResult, Implementation, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListSkillsRequestMethod, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, PromptMessage, PromptsCapability, ReadResourceRequestMethod,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourcesCapability, Role,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use crate::error::{Code, ToolError};
use crate::library::{self, Page, SCHEME};
use crate::prompts::Prompt;
use crate::resources::{Resource, unknown};
use crate::server::{Server, refusal};
use crate::tool::Tool;

type Context = RequestContext<RoleServer>;

impl<S: Send + Sync + 'static> Server<S> {
    /// Every tool as a client lists it: the golden file of the tests.
    pub fn listed(&self) -> Vec<rmcp::model::Tool> {
        self.given().map(Tool::listed).collect()
    }

    /// The tools that the session may call.
    fn given(&self) -> impl Iterator<Item = &Tool<S>> {
        self.inner.offer.tools.iter().filter(|tool| !tool.is_withheld())
    }

    fn resources(&self) -> &[Resource<S>] {
        &self.inner.offer.resources
    }

    fn prompts(&self) -> &[Prompt<S>] {
        &self.inner.offer.prompts
    }

    fn has_library(&self) -> bool {
        self.inner.offer.library.is_some()
    }

    fn has_resources(&self) -> bool {
        !self.resources().is_empty() || self.has_library()
    }

    /// A page of the library; an empty one if there is no library.
    async fn page(
        &self,
        method: &'static str,
        request: Option<PaginatedRequestParams>,
        context: &Context,
    ) -> Result<Page, ErrorData> {
        let skip = library::skip(request.as_ref())?;
        let page = self.work(context, move |inner, _| {
            inner.ask_library(method, ("skip", skip.into()), |library, state| {
                (library.list)(state, skip)
            })
        });
        Ok(page.await.map_err(|error| fault(&error))?.unwrap_or_default())
    }

    /// A file of the library.
    async fn file(
        &self,
        address: String,
        context: &Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let asked = address.clone();
        let read = self.work(context, move |inner, _| {
            let about = ("uri", asked.as_str().into());
            inner.ask_library("resources/read", about, |library, state| {
                (library.read)(state, &asked)
            })
        });
        match read.await {
            Ok(Some(contents)) => Ok(ReadResourceResult::new(vec![contents]).into()),
            Ok(None) => Err(no_resource(&unknown(&address, self.resources()), &address)),
            Err(error) if matches!(error.code, Code::NotFound | Code::InvalidArgument) => {
                Err(no_resource(&error, &address))
            }
            Err(error) => Err(fault(&error)),
        }
    }
}

impl<S: Send + Sync + 'static> ServerHandler for Server<S> {
    fn get_info(&self) -> ServerConfig {
        let about = &self.inner.about;
        let name = format!("ostwin-{}", about.name);
        let mut offers = ServerCapabilities::builder().enable_tools().build();
        if self.has_library() {
            offers = ServerCapabilities::builder().enable_tools().enable_skills().build();
        }
        if self.has_resources() {
            offers.resources = Some(ResourcesCapability::default());
        }
        if !self.prompts().is_empty() {
            offers.prompts = Some(PromptsCapability::default());
        }
        ServerConfig::new(offers)
            .with_server_info(
                Implementation::new(name, env!("CARGO_PKG_VERSION")).with_title(about.title),
            )
            .with_instructions(about.instructions)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.listed()))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        self.inner.offer.tools.iter().find(|tool| tool.name == name).map(Tool::listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = &self.inner.offer.tools;
        let Some(tool) = tools.iter().position(|tool| tool.name == request.name) else {
            let known = self.given().map(|tool| tool.name);
            return Err(nothing_named("tool", &request.name, known));
        };
        let arguments = request.arguments.unwrap_or_default();
        let called = self
            .work(&context, move |inner, waiting| Ok(inner.call(tool, arguments, waiting)))
            .await;
        Ok(called.unwrap_or_else(|error| refusal(&error)).into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        if !self.has_resources() {
            return Err(ErrorData::method_not_found::<ListResourcesRequestMethod>());
        }
        let mut listed: Vec<_> = self.resources().iter().filter_map(Resource::listed).collect();
        if !self.has_library() {
            return Ok(ListResourcesResult::with_all_items(listed));
        }
        let page = self.page("resources/list", request, &context).await?;
        listed.extend(page.skills.iter().map(library::document));
        let mut result = ListResourcesResult::with_all_items(listed);
        result.next_cursor = page.next.map(|next| next.to_string());
        Ok(result)
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListSkillsResult, ErrorData> {
        if !self.has_library() {
            return Err(ErrorData::method_not_found::<ListSkillsRequestMethod>());
        }
        Ok(library::listed(self.page("skills/list", request, &context).await?))
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: Context,
    ) -> Result<GetSkillResult, ErrorData> {
        let GetSkillRequestParams { uri, .. } = request;
        let got = self.work(&context, move |inner, _| {
            let about = ("uri", uri.as_str().into());
            inner.ask_library("skills/get", about, |library, state| (library.get)(state, &uri))
        });
        match got.await.map_err(|error| fault(&error))? {
            Some(skill) => Ok(library::got(skill)),
            None => Err(ErrorData::method_not_found::<GetSkillRequestMethod>()),
        }
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        if !self.has_resources() {
            return Err(ErrorData::method_not_found::<ListResourceTemplatesRequestMethod>());
        }
        let listed = self.resources().iter().filter_map(Resource::template).collect();
        Ok(ListResourceTemplatesResult::with_all_items(listed))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if !self.has_resources() {
            return Err(ErrorData::method_not_found::<ReadResourceRequestMethod>());
        }
        let address = request.uri;
        if self.has_library() && address.starts_with(SCHEME) {
            return self.file(address, &context).await;
        }
        let found = self.resources().iter().enumerate().find_map(|(place, resource)| {
            let value = resource.named(&address)?.map(str::to_owned);
            Some((place, resource.about.mime_type, value))
        });
        let Some((place, mime_type, value)) = found else {
            return Err(no_resource(&unknown(&address, self.resources()), &address));
        };
        let read = {
            let address = address.clone();
            self.work(&context, move |inner, _| inner.read(place, &address, value.as_deref()))
        };
        match read.await {
            Ok(content) => Ok(ReadResourceResult::new(vec![content.at(address, mime_type)]).into()),
            Err(error) if matches!(error.code, Code::NotFound | Code::InvalidArgument) => {
                Err(no_resource(&error, &address))
            }
            Err(error) => Err(fault(&error)),
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        if self.prompts().is_empty() {
            return Err(ErrorData::method_not_found::<ListPromptsRequestMethod>());
        }
        Ok(ListPromptsResult::with_all_items(self.prompts().iter().map(Prompt::listed).collect()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        if self.prompts().is_empty() {
            return Err(ErrorData::method_not_found::<GetPromptRequestMethod>());
        }
        let Some(place) = self.prompts().iter().position(|prompt| prompt.name == request.name)
        else {
            let known = self.prompts().iter().map(|prompt| prompt.name);
            return Err(nothing_named("prompt", &request.name, known));
        };
        let arguments = request.arguments.unwrap_or_default();
        let text = self
            .work(&context, move |inner, _| inner.prompt(place, &arguments))
            .await
            .map_err(|error| fault(&error))?;
        let message = PromptMessage::new_text(Role::User, text);
        let description = self.prompts()[place].description();
        Ok(GetPromptResult::new(vec![message]).with_description(description).into())
    }
}

fn nothing_named<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> ErrorData {
    let known = known.collect::<Vec<_>>().join(", ");
    ErrorData::invalid_params(format!("no {kind} `{name}` here; there are {known}"), None)
}

/// A resource that is not there, in the protocol's own code for that.
fn no_resource(error: &ToolError, address: &str) -> ErrorData {
    let data = serde_json::json!({ "uri": address });
    ErrorData::resource_not_found(error.message.clone(), Some(data))
}

/// A failure outside of tools.
fn fault(error: &ToolError) -> ErrorData {
    let data = serde_json::to_value(error).ok();
    match error.code {
        Code::InvalidArgument | Code::NotFound => {
            ErrorData::invalid_params(error.message.clone(), data)
        }
        _ => ErrorData::internal_error(error.message.clone(), data),
    }
}
