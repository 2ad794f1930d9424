//! The tool servers as an agent meets them: real processes, raw protocol lines.

#[cfg(test)]
mod broken_clients;
#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod confinement;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod poisoned;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod skills;
#[cfg(test)]
mod warroom;
