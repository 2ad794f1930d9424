//! On what the figures were measured.

/// The machine, the system and the program, as a few lines.
pub(crate) fn describe() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let memory = memory.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let memory = memory.unwrap_or_default() / (1024 * 1024);
    let system = rustix::system::uname();
    let version = env!("CARGO_PKG_VERSION");
    let build = if cfg!(debug_assertions) {
        "debug build: figures say little, use `cargo xtask bench`"
    } else {
        "release build"
    };
    format!(
        "machine  {model}, {cores} cores, {memory} GiB\n\
         system   {} {}\n\
         ostwin   {version}, {build}\n",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
    )
}
