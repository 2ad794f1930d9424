//! What can be typed.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ostwin_core::env;
use ostwin_core::layout::Layout;
use ostwin_core::project;
use ostwin_service::{Color, Exit, Failure};

/// Shows plans as they run, in a browser
#[derive(Debug, Parser)]
#[command(name = "ostwin-dashboard", version)]
pub(crate) struct Args {
    /// A project: the folder that holds `.agents/`; may be repeated [default: found upwards from here]
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Vec<PathBuf>,
    /// The address to listen at [default: `dashboard.bind`, 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// The port to listen at, 0 for any that is free [default: `dashboard.port`, 3366]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Open the dashboard in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Print a link into a dashboard that runs already, and end
    #[arg(long, conflicts_with = "open")]
    pub(crate) link: bool,
    /// Print where it listens, and the link, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) plumbing: Option<Plumbing>,
}

/// What scripts call.
#[derive(Debug, Subcommand)]
pub(crate) enum Plumbing {
    /// Print the API's description
    #[command(name = "__openapi", hide = true)]
    Openapi,
}

impl Args {
    /// The projects that are meant.
    ///
    /// # Errors
    /// One of them is none, or there is none here.
    pub(crate) fn layouts(&self) -> Result<Vec<Layout>, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Environment, format!("the working directory is gone: {error}"))
        })?;
        let home = env::home();
        let named = match (self.project.as_slice(), env::var_os(env::PROJECT)) {
            ([], Some(named)) if !named.is_empty() => vec![PathBuf::from(named)],
            (named, _) => named.to_vec(),
        };
        let found = match named.as_slice() {
            [] => vec![project::locate(None, &here, home.as_deref())],
            named => named.iter().map(|root| project::locate(Some(root), &here, None)).collect(),
        };
        let usage = |error: project::ProjectError| Failure::new(Exit::Usage, error.to_string());
        found.into_iter().map(|found| found.map_err(usage)).collect()
    }
}
