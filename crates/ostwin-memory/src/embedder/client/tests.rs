use std::path::Path;

use super::*;

const LONG: Duration = Duration::from_secs(60);

const GREETING: &str = r#"echo '{"model":"fake","dimensions":2,"v":1}'"#;
/// Answers one request for one text.
const ANSWER: &str = r#"read line; id=${line#*:}; id=${id%%,*}
    echo "{\"id\":$id,\"vectors\":[[$id,0.5]]}""#;

fn shell(script: &str) -> Launch {
    Launch { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()] }
}

fn client(script: &str) -> Client {
    Client::start_patiently(shell(script), LONG).unwrap()
}

fn refusal(script: &str, patience: Duration) -> String {
    match Client::start_patiently(shell(script), patience).unwrap_err() {
        EmbedError::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn failure(client: &mut Client) -> String {
    match client.embed(&["text"]).unwrap_err() {
        EmbedError::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_greets_and_answers() {
    let mut client = client(&format!("{GREETING}; while :; do {ANSWER}; done"));
    assert_eq!(client.model(), &Model { name: "fake".to_owned(), dimensions: 2 });
    assert_eq!(client.embed(&["one"]).unwrap(), [[1.0, 0.5]]);
    assert_eq!(client.embed(&["two"]).unwrap(), [[2.0, 0.5]]);
    assert_eq!(client.embed(&[]).unwrap(), Vec::<Vec<f32>>::new());
}

#[test]
fn one_that_ended_because_it_was_idle_is_started_again() {
    let mut client = client(&format!("{GREETING}; {ANSWER}"));
    for id in 1..=3 {
        assert_eq!(client.embed(&["text"]).unwrap(), [[id as f32, 0.5]]);
    }
}

#[test]
fn one_that_ends_at_the_question_fails_it_and_the_next_is_asked_of_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let works = dir.path().join("works");
    let script = format!("{GREETING}; [ -e '{}' ] || {{ read line; exit 9; }}", works.display());
    let mut client = client(&format!("{script}; {ANSWER}"));
    assert_eq!(failure(&mut client), "`ostwin-embedder` ended (exit status: 9)");
    ostwin_core::fs::replace_hint(&works, b"").unwrap();
    assert_eq!(client.embed(&["text"]).unwrap(), [[2.0, 0.5]]);
}

#[test]
fn one_that_hangs_costs_its_patience_and_no_more() {
    let mut client = client(&format!("{GREETING}; exec sleep 1000"));
    client.patience = Duration::from_millis(1);
    assert_eq!(failure(&mut client), "`ostwin-embedder` said nothing for 0.001 s");
    assert!(client.process.is_none());
    let silent = refusal("exec sleep 1000", Duration::from_millis(1));
    assert_eq!(silent, "`/bin/sh`: `ostwin-embedder` said nothing for 0.001 s");
}

#[test]
fn what_keeps_it_from_starting_is_told() {
    let none = Launch { program: Path::new("/nowhere/ostwin-embedder").into(), args: Vec::new() };
    let missing = Client::start(none).unwrap_err().to_string();
    let all = [
        missing,
        refusal("exit 2", LONG),
        refusal(r#"echo '{"error":{"code":"unavailable","message":"no such model"},"v":1}'"#, LONG),
        refusal("echo garbage", LONG),
        refusal(r#"echo '{"v":1}'"#, LONG),
        refusal(r#"echo '{"model":"../up","dimensions":2,"v":1}'"#, LONG),
        refusal(r#"echo '{"model":"m","dimensions":0,"v":1}'"#, LONG),
        refusal(r#"echo '{"model":"m","dimensions":2,"v":9}'"#, LONG),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    `/nowhere/ostwin-embedder`: No such file or directory (os error 2)
    `/bin/sh`: `ostwin-embedder` ended (exit status: 2)
    no such model
    `/bin/sh`: its greeting makes no sense: expected value at line 1 column 1
    `/bin/sh`: its greeting names no model
    `/bin/sh`: its greeting names no model that can be
    `/bin/sh`: its greeting names no model that can be
    `/bin/sh`: its greeting makes no sense: schema version 9 is newer than 1, the newest this program knows; use a newer ostwin at line 1 column 34
    ");
}

#[test]
fn an_answer_against_the_rules_is_none() {
    let answers = [
        r#"garbage"#,
        r#"{"id":7,"vectors":[[1,0]]}"#,
        r#"{"id":1,"vectors":[[1]]}"#,
        r#"{"id":1,"vectors":[]}"#,
        r#"{"id":1}"#,
        r#"{"id":1,"vectors":[[1,1e39]]}"#,
        r#"{"id":1,"error":{"code":"unavailable","message":"the service is down"}}"#,
    ];
    let reasons = answers.map(|answer| {
        let mut client = client(&format!("{GREETING}; read line; echo '{answer}'; read line"));
        failure(&mut client)
    });
    insta::assert_snapshot!(reasons.join("\n"), @"
    what it says makes no sense: expected value at line 1 column 1
    it answered another question
    its answer has not one whole vector for each text
    its answer has not one whole vector for each text
    its answer has not one whole vector for each text
    its answer has not one whole vector for each text
    the service is down
    ");
}

#[test]
fn another_model_than_before_fails_one_question() {
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = format!(
        r#"[ -e '{seen}' ] && model=new || model=old; : > '{seen}'
        echo "{{\"model\":\"$model\",\"dimensions\":2,\"v\":1}}"; {ANSWER}"#,
        seen = seen.display()
    );
    let mut client = client(&script);
    assert_eq!(client.embed(&["text"]).unwrap(), [[1.0, 0.5]]);
    assert_eq!(failure(&mut client), "it is now `new`, and was `old`");
    assert_eq!(client.model().name, "new");
    assert_eq!(client.embed(&["text"]).unwrap(), [[3.0, 0.5]]);
}
