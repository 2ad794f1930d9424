//! `dashboard`.

use std::net::IpAddr;

/// Show plans in the browser
///
/// Starts the dashboard of this project and prints a link that lets your browser in, once. It runs
/// until Ctrl-C; plans that it started go on without it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ostwin dashboard            at http://127.0.0.1:3366
  ostwin dashboard --open     and open it in the browser
  ostwin dashboard --link     one more link into a dashboard that runs already")]
pub(crate) struct DashboardArgs {
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
}
