//! The tool servers as an agent meets them: real processes, raw protocol lines.

#[cfg(test)]
mod client;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod warroom;
