//! From what was typed to a server that runs until it is told to end.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use ostwin_api::{Options, Server, one_time_link, openapi, token_of, url_of};
use ostwin_core::config::{self, DashboardSettings, Places};
use ostwin_core::env;
use ostwin_core::layout::Layout;
use ostwin_core::programs::Programs;
use ostwin_runner::process::command;
use ostwin_service::{Exit, Explain as _, Failure, Supervisor};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::args::{Args, Plumbing};

/// How long requests that run at the end may take.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
/// How long a dashboard that runs may take to be reached.
const REACHED: Duration = Duration::from_secs(2);

/// Does what was typed.
///
/// # Errors
/// The projects cannot be served there.
pub(crate) fn serve(args: &Args) -> anyhow::Result<Exit> {
    if let Some(Plumbing::Openapi) = args.plumbing {
        say(&openapi())?;
        return Ok(Exit::Ok);
    }
    let projects = args.layouts()?;
    let (address, hosts) = place(args, &projects)?;
    if args.link {
        look_for_one(address)?;
        let token =
            token_of(projects.first().unwrap_or(&Layout::new("."))).exit(Exit::Environment)?;
        tell(args, &url_of(address), &one_time_link(&url_of(address), &token)?)?;
        return Ok(Exit::Ok);
    }
    let options =
        Options { projects, bind: address.ip(), port: address.port(), hosts, actor: actor() };
    if !options.bind.is_loopback() {
        tracing::warn!(
            "others on the network can reach {}: the token keeps them out, but what is sent is not encrypted",
            options.bind
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(args, &options));
    // A request that waits for an engine's answer does not hold up the end.
    runtime.shutdown_timeout(LAST_REQUESTS);
    ended
}

/// Nobody is sent to where nothing listens.
fn look_for_one(address: SocketAddr) -> anyhow::Result<()> {
    let found = TcpStream::connect_timeout(&address, REACHED);
    found.map(drop).map_err(|error| {
        let url = url_of(address);
        Failure::new(Exit::Environment, format!("no dashboard can be reached at {url}: {error}"))
            .hint("start it with `ostwin dashboard`, or name its port with `--port`")
            .into()
    })
}

/// Where to listen, and by which further names.
fn place(args: &Args, projects: &[Layout]) -> anyhow::Result<(SocketAddr, Vec<String>)> {
    let loaded =
        config::load(&Places::of_process(projects.first()), Vec::new()).exit(Exit::Usage)?;
    let DashboardSettings { bind, port, hosts } = loaded.settings.config.dashboard;
    let bind = match args.bind {
        Some(bind) => bind,
        None => bind.parse().map_err(|_| {
            Failure::new(Exit::Usage, format!("`dashboard.bind` is `{bind}`, which is no address"))
                .hint("`127.0.0.1` is this machine, `0.0.0.0` every address of it")
        })?,
    };
    Ok((SocketAddr::new(bind, args.port.unwrap_or(port)), hosts))
}

async fn run(args: &Args, options: &Options) -> anyhow::Result<Exit> {
    let mut ends = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    let server = Server::start(options).await.exit(Exit::Environment)?;
    let link = server.link().exit(Exit::Environment)?;
    tell(args, &server.url(), &link)?;
    if args.open {
        open(&link);
    }
    let (stop, stopped) = watch::channel(false);
    let supervisor = Supervisor;
    supervisor.ready(&format!("serving at {}", server.url()));
    let serving = tokio::spawn(server.serve(stopped));
    let [interrupt, terminate] = &mut ends;
    let exit = tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Ok,
        () = pulse(supervisor) => Exit::Ok,
    };
    supervisor.stopping();
    stop.send_replace(true);
    serving.await?;
    Ok(exit)
}

/// Says for ever that the server is not stuck, if somebody wants to hear it.
async fn pulse(supervisor: Supervisor) {
    let Some(period) = supervisor.pulse() else { return std::future::pending().await };
    loop {
        supervisor.alive();
        tokio::time::sleep(period).await;
    }
}

/// Whose word requests are, for audits: the name of the user.
fn actor() -> String {
    let name = ["USER", "LOGNAME"].into_iter().find_map(env::var);
    name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "human".to_owned())
}

fn tell(args: &Args, url: &str, link: &str) -> anyhow::Result<()> {
    if args.json {
        return say(&format!("{}\n", json!({ "url": url, "link": link })));
    }
    say(&format!("Dashboard at {url}\nOpen {link}\n(the link is good once, for ten minutes)\n"))
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Has the desktop open the link. Where there is none, the link was printed.
fn open(link: &str) {
    let programs = Programs::of_this_process();
    let opener = ["xdg-open", "open"].into_iter().find_map(|name| programs.find(name));
    let Some(opener) = opener else {
        return tracing::warn!("no program opens links here: open it yourself");
    };
    let quiet = || Stdio::null();
    let started = command(opener).arg(link).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Err(error) = started {
        tracing::warn!(%error, "the link could not be opened");
    }
}
