# Every habit by name. All of it works without `just` too: these are the same commands.

_default:
    @just --list --unsorted

# does it compile?
dev:
    cargo check --workspace --all-targets

# everything that must pass before a commit
test *FILTER:
    cargo xtask test {{FILTER}}

# the tests of one crate, by its name without `ostwin-`
unit CRATE *FILTER:
    cargo test --package ostwin-{{CRATE}} {{FILTER}}

# formatting and lints, nothing else
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# mend the formatting
fmt:
    cargo fmt --all

# the end-to-end tests over the built binaries
e2e *FILTER:
    cargo build --workspace --bins
    cargo test --package ostwin-tests {{FILTER}}

# the tool servers against clients of other people
peers *FILTER:
    cargo xtask peers
    cargo build --workspace --bins
    cargo test --package ostwin-tests peers {{FILTER}}

# kill the engine again and again, and see that nothing is lost
kill-test:
    cargo build --workspace --bins
    cargo test --package ostwin-tests kill

# the example plan on rehearsal agents
demo *ARGS:
    cargo xtask demo {{ARGS}}

# the benchmark tables, built for release
bench *ARGS:
    cargo xtask bench {{ARGS}}

# write the generated files
gen:
    cargo xtask gen

# the API documentation
doc:
    cargo doc --workspace --no-deps --open

# known vulnerabilities of dependencies; needs a network and cargo-deny
advisories:
    cargo deny check advisories

# what the continuous integration runs
ci:
    .ci/run

# the binaries as they are installed
release:
    cargo build --release --locked
