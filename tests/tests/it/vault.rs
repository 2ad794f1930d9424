//! The vault: secrets that get where they belong and nowhere else.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ostwin_testkit::{Finished, Process, wait_until};
use serde_json::json;

use crate::field::{Field, PATIENCE, one_epic};

const VALUE: &str = "vaulted-Zm9v/42 value";

/// Sets a secret as a script does: by standard input.
fn set(field: &Field, args: &[&str], value: &str) -> Finished {
    let body = field.project.home().join("value");
    ostwin_core::fs::replace_private(&body, value.as_bytes(), ostwin_core::store::Durability::Os)
        .unwrap();
    let mut command = field.ostwin(args);
    command.stdin(std::fs::File::open(&body).unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::spawn(&mut command).unwrap();
    let status = process.wait(PATIENCE).unwrap();
    ostwin_core::fs::remove_file(&body).unwrap();
    Finished { status, stdout: String::new(), stderr: String::new() }
}

#[test]
fn names_are_listed_and_values_only_shown_when_asked_for() {
    let field = Field::built_in();
    let args = ["vault", "set", "github", "token"];
    assert_eq!(set(&field, &args, &format!("{VALUE}\n")).status.code(), Some(0));
    assert_eq!(set(&field, &["vault", "set", "github", "x"], "short").status.code(), Some(2));
    let user = ["vault", "set", "mine", "key", "--user"];
    assert_eq!(set(&field, &user, "of-the-user").status.code(), Some(0));
    let listed = field.expect(&["vault", "list"], 0);
    assert!(listed.stdout.contains("token") && listed.stdout.contains("mine"), "{}", listed.stdout);
    assert!(!listed.stdout.contains("vaulted") && !listed.stdout.contains("of-the-user"));
    assert_eq!(field.expect(&["vault", "get", "github", "token"], 0).stdout, format!("{VALUE}\n"));
    field.expect(&["vault", "rm", "github", "token"], 0);
    field.expect(&["vault", "get", "github", "token"], 2);
}

#[test]
fn one_that_others_can_read_stops_a_run_and_is_named_by_the_doctor() {
    let field = Field::built_in();
    field.plan("PLAN.md", &one_epic(""));
    set(&field, &["vault", "set", "a", "b"], VALUE);
    let path = field.project.layout().vault();
    let wide = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&path, wide).unwrap();
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    assert!(run.stderr.contains("chmod 600"), "{}", run.stderr);
    let doctor = field.expect(&["doctor"], 1);
    assert!(doctor.stdout.contains("chmod 600"), "{}", doctor.stdout);
    assert!(std::fs::read_to_string(&path).unwrap().contains(VALUE), "it is left alone");
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn in_a_process_list() -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| line.windows(VALUE.len()).any(|part| part == VALUE.as_bytes()))
}

#[test]
fn a_secret_of_the_vault_is_in_no_file_log_or_process_list_of_a_run() {
    runs_without_a_trace(None);
}

#[test]
fn a_secret_of_an_encrypted_vault_is_in_no_file_at_all() {
    runs_without_a_trace(Some("identity.txt"));
}

/// Runs a plan whose sessions know a secret of the vault and tell it wherever they can. With an
/// `identity`, the vault is encrypted to it.
fn runs_without_a_trace(identity: Option<&str>) {
    let half = VALUE.len() / 2;
    let script = json!({ "v": 1, "rules": [{
        "when": { "state_type": ["work"] },
        "before": [
            { "do": "say", "text": VALUE },
            { "do": "say", "text": &VALUE[..half] },
            { "do": "say", "text": &VALUE[half..] },
            { "do": "progress", "percent": 10, "message": VALUE },
            { "do": "remember", "kind": "warning", "summary": VALUE },
            { "do": "post", "to": "qa", "type": "note", "body": VALUE },
            { "do": "ask_permission", "title": "Print it", "command": format!("echo '{VALUE}'") },
        ],
        "verdict": { "summary": VALUE },
    }] });
    let settings = json!({ "approvals": { "mode": "ask" }, "ask_timeout_seconds": 1 });
    let field = Field::new(&script, &settings);
    // The agent's own words come from a file that is no record of the project.
    let aside = field.project.home().join("rehearsal.json");
    ostwin_core::fs::claim(&field.project.root().join("rehearsal.json"), &aside).unwrap();
    let config = field.project.layout().config();
    let text = std::fs::read_to_string(&config).unwrap();
    let old = field.project.root().join("rehearsal.json").display().to_string();
    let text = text.replace(&old, &aside.display().to_string());
    field.project.write(".agents/config.json", &text).unwrap();
    // A server that tells its environment, where nobody but the agent's own log hears it.
    let tell = "env >&2";
    let servers = json!({ "mcp": { "telltale": {
        "command": ["sh", "-c", tell],
        "environment": { "TELL_TOKEN": "Bearer ${vault:telltale/token}" },
    } } });
    field.project.write(".agents/mcp/config.json", &servers.to_string()).unwrap();
    set(&field, &["vault", "set", "telltale", "token"], VALUE);
    field.plan("PLAN.md", &one_epic(""));
    let identity = identity.map(|name| field.project.home().join(name));
    if let Some(file) = &identity {
        let file = file.display().to_string();
        field.expect(&["vault", "encrypt", "--identity", &file], 0);
        let refused = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
        assert!(refused.stderr.contains("OSTWIN_VAULT_IDENTITY"), "{}", refused.stderr);
    }

    let mut command = field.ostwin(&["run", "PLAN.md", "--detach", "--json"]);
    command.env("RUST_LOG", "debug");
    if let Some(file) = &identity {
        command.env("OSTWIN_VAULT_IDENTITY", file);
    }
    let started = Process::finish(&mut command, PATIENCE).unwrap();
    assert_eq!(started.status.code(), Some(0), "{}", started.stderr);
    let plan = field.plans().remove(0);
    wait_until("the end of the run", PATIENCE, || {
        assert!(!in_a_process_list());
        (!ostwin_core::control::is_driven(&plan.paths).unwrap()).then_some(())
    })
    .unwrap();
    let states = field.states(&plan.meta.plan_id);
    assert!(crate::field::all_passed(&states), "{states:?}");
    let mut found = Vec::new();
    files(field.project.root(), &mut found);
    found.retain(|path| identity.is_some() || *path != field.project.layout().vault());
    assert!(found.len() > 20);
    for path in found {
        let bytes = std::fs::read(&path).unwrap();
        let holds = bytes.windows(VALUE.len()).any(|part| part == VALUE.as_bytes());
        assert!(!holds, "{} holds the secret", path.display());
    }
    let room = field.room(1);
    let channel = std::fs::read_to_string(room.paths().channel()).unwrap();
    assert!(channel.contains("[redacted:TELL_TOKEN]"), "{channel}");
    let record = std::fs::read_to_string(room.attempts().unwrap()[0].paths.mcp()).unwrap();
    assert!(record.contains("${vault:telltale/token}"), "{record}");
    std::io::stderr().flush().unwrap();
}

#[test]
fn a_placeholder_that_no_vault_fills_is_named_before_anything_starts() {
    let field = Field::built_in();
    let servers = json!({ "mcp": { "x": {
        "command": ["x"], "environment": { "T": "${vault:x/token}" },
    } } });
    field.project.write(".agents/mcp/config.json", &servers.to_string()).unwrap();
    field.plan("PLAN.md", &one_epic("- max_retries: 0\n"));
    let run = field.expect(&["run", "PLAN.md", "--no-wait"], 2);
    assert!(run.stderr.contains("`${vault:x/token}`: no vault holds `x/token`"), "{}", run.stderr);
    assert!(run.stderr.contains("ostwin vault set x token"), "{}", run.stderr);
    assert!(field.room(1).attempts().unwrap().is_empty());
}

/// A worker who says its key, and is content if it is the right one.
const KEYED: &str = r#"
cat > /dev/null
echo "my key is $MODEL_KEY"
case "$MODEL_KEY/$MODE" in
*-value/careful) "$OSTWIN_BIN" room post "$OSTWIN_ROOM" --type done --body "It is $MODEL_KEY." ;;
esac
"#;

#[test]
fn the_variables_of_an_agents_entry_are_filled_in_and_a_missing_one_is_named() {
    let value = "of-the-model-only-a-value";
    let settings = json!({
        "default_agent": "script",
        "max_retries": 0,
        // Whoever judges what failed leaves it to a person.
        "roles": { "manager": { "agent": "rehearsal" } },
        "agents": { "script": {
            "protocol": "command",
            "command": ["/bin/sh", "agent.sh"],
            "env": { "MODEL_KEY": "${vault:model/key}", "MODE": "${MODE_OF_NOBODY:-careful}" },
        } },
    });
    let field = Field::new(&json!({ "v": 1 }), &settings);
    field.project.write("agent.sh", KEYED).unwrap();
    let plan = "# Plan: One\n\n## EPIC-001: Only\n\n- Roles: engineer\n- skip_review: true\n\n\
        ### Definition of Done\n\n- [ ] It is there\n";
    field.plan("PLAN.md", plan);
    let refused = field.expect(&["run", "PLAN.md", "--no-wait"], 2).stderr;
    assert!(refused.contains("EPIC-001: agent `script`, `env.MODEL_KEY`"), "{refused}");
    assert!(refused.contains("`${vault:model/key}`: no vault holds `model/key`"), "{refused}");
    assert!(field.room(1).attempts().unwrap().is_empty());

    set(&field, &["vault", "set", "model", "key"], value);
    field.expect(&["run", "PLAN.md", "--no-wait"], 0);
    let mut found = Vec::new();
    files(field.project.root(), &mut found);
    found.retain(|path| *path != field.project.layout().vault());
    for path in found {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(value), "{} holds the key", path.display());
    }
    let said = std::fs::read_to_string(field.room(1).paths().channel()).unwrap();
    assert!(said.contains("It is [redacted:"), "{said}");
}

/// The file of an identity, outside of the project.
fn identity_of(field: &Field, name: &str) -> String {
    field.project.home().join(name).display().to_string()
}

fn with_identity(field: &Field, args: &[&str], file: &str, code: i32) -> Finished {
    let mut command = field.ostwin(args);
    command.env("OSTWIN_VAULT_IDENTITY", file);
    let finished = Process::finish(&mut command, PATIENCE).unwrap();
    assert_eq!(finished.status.code(), Some(code), "{args:?}: {}", finished.stderr);
    finished
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn an_encrypted_vault_opens_for_its_identity_and_stays_encrypted() {
    let field = Field::built_in();
    let (mine, other) = (identity_of(&field, "mine.txt"), identity_of(&field, "other.txt"));
    let none = field.expect(&["vault", "encrypt", "--identity", &mine], 2);
    assert!(none.stderr.contains("there is no vault"), "{}", none.stderr);
    set(&field, &["vault", "set", "github", "token"], VALUE);
    field.expect(&["vault", "encrypt"], 2);
    let made = field.expect(&["vault", "encrypt", "--identity", &mine], 0);
    assert!(made.stderr.contains(&format!("OSTWIN_VAULT_IDENTITY={mine}")), "{}", made.stderr);
    let vault = field.project.layout().vault();
    assert_eq!((mode(&vault), mode(Path::new(&mine))), (0o600, 0o600));
    let sealed = std::fs::read_to_string(&vault).unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{sealed}");

    // Without the key, commands that need no secret go on, and the others say what to do.
    field.expect(&["role", "list"], 0);
    for args in [&["vault", "get", "github", "token"][..], &["vault", "list"]] {
        let locked = field.expect(args, 2);
        assert!(locked.stderr.contains("OSTWIN_VAULT_IDENTITY"), "{}", locked.stderr);
    }
    assert!(field.expect(&["doctor"], 1).stdout.contains("OSTWIN_VAULT_IDENTITY"));
    let got = with_identity(&field, &["vault", "get", "github", "token"], &mine, 0);
    assert_eq!(got.stdout, format!("{VALUE}\n"));
    with_identity(&field, &["vault", "rm", "github", "token"], &mine, 0);
    let changed = std::fs::read_to_string(&vault).unwrap();
    assert!(changed.starts_with("-----BEGIN AGE") && changed != sealed);
    assert_eq!(mode(&vault), 0o600);

    // A wrong key leaves the file as it is.
    let keygen = Field::built_in();
    set(&keygen, &["vault", "set", "a", "b"], VALUE);
    keygen.expect(&["vault", "encrypt", "--identity", &other], 0);
    let wrong = with_identity(&field, &["vault", "decrypt"], &other, 2);
    assert!(wrong.stderr.contains("does not open"), "{}", wrong.stderr);
    assert_eq!(std::fs::read_to_string(&vault).unwrap(), changed);
    with_identity(&field, &["vault", "decrypt"], &mine, 0);
    assert!(std::fs::read_to_string(&vault).unwrap().contains("schema_version"));
    assert_eq!(mode(&vault), 0o600);
}

/// Runs a command with this on its standard input, as a script does.
fn typed(field: &Field, args: &[&str], text: &str) -> Finished {
    let body = field.project.home().join("typed");
    ostwin_core::fs::replace_private(&body, text.as_bytes(), ostwin_core::store::Durability::Os)
        .unwrap();
    let mut command = field.ostwin(args);
    command.stdin(std::fs::File::open(&body).unwrap());
    let output = command.output().unwrap();
    ostwin_core::fs::remove_file(&body).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_vault_with_a_passphrase_opens_for_a_person_alone() {
    let field = Field::built_in();
    set(&field, &["vault", "set", "github", "token"], VALUE);
    let vault = field.project.layout().vault();
    let short = typed(&field, &["vault", "encrypt", "--passphrase"], "short\n");
    assert_eq!(short.status.code(), Some(2), "{}", short.stderr);
    let right = "correct horse battery\n";
    let sealed = typed(&field, &["vault", "encrypt", "--passphrase"], right);
    assert_eq!(sealed.status.code(), Some(0), "{}", sealed.stderr);
    let kept = std::fs::read_to_string(&vault).unwrap();
    let locked = field.expect(&["vault", "list"], 2);
    assert!(locked.stderr.contains("asked for on a terminal only"), "{}", locked.stderr);
    assert!(field.expect(&["doctor"], 0).stdout.contains("encrypted with a passphrase"));
    let wrong = typed(&field, &["vault", "decrypt"], "another passphrase\n");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stderr.contains("the passphrase does not open"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("another"), "{}", wrong.stderr);
    assert_eq!(std::fs::read_to_string(&vault).unwrap(), kept);
    assert_eq!(typed(&field, &["vault", "decrypt"], right).status.code(), Some(0));
    assert_eq!(field.expect(&["vault", "get", "github", "token"], 0).stdout, format!("{VALUE}\n"));
}
