use std::io::{Cursor, Read};
use std::sync::mpsc;

use proptest::prelude::*;

use super::*;

/// Its vectors are the length of the text and one; it fails on request.
struct Fake;

impl Encoder for Fake {
    fn name(&self) -> &str {
        "fake-1"
    }

    fn dimensions(&self) -> usize {
        2
    }

    fn encode(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem> {
        if texts.contains(&"fail") {
            return Err(Problem::new(Code::Unavailable, "as told"));
        }
        Ok(texts.iter().map(|text| vec![text.len() as f32, 1.0]).collect())
    }
}

fn talk(input: impl Into<Vec<u8>>) -> String {
    let mut output = Vec::new();
    let input = Cursor::new(input.into());
    serve(&mut Fake, input, &mut output, Duration::from_secs(60)).unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn it_says_who_it_is() {
    let mut output = Vec::new();
    greet(&mut output, Ok(&Fake)).unwrap();
    let problem = Problem::new(Code::Unavailable, "no model");
    greet(&mut output, Err(&problem)).unwrap();
    insta::assert_snapshot!(String::from_utf8(output).unwrap(), @r#"
    {"model":"fake-1","dimensions":2,"v":1}
    {"error":{"code":"unavailable","message":"no model"},"v":1}
    "#);
}

#[test]
fn each_line_has_its_answer() {
    let answers = talk(concat!(
        r#"{"id":1,"texts":["one","three"]}"#,
        "\n\n",
        r#"{"id":2,"texts":[]}"#,
        "\n",
        r#"{"id":3,"texts":["fail"]}"#,
        "\n",
        r#"{"id":4,"texts":["fine"," "]}"#,
        "\n",
        r#"{"id":5,"text":"wrong"}"#,
        "\nnot json\n{}\n\u{0}\n",
        r#"{"id":6,"texts":["without an end"]}"#,
    ));
    insta::assert_snapshot!(answers, @r#"
    {"id":1,"vectors":[[3.0,1.0],[5.0,1.0]]}
    {"id":2,"vectors":[]}
    {"id":3,"error":{"code":"unavailable","message":"as told"}}
    {"id":4,"error":{"code":"invalid_argument","message":"text 1 (counted from 0) is empty, so it has no meaning"}}
    {"id":5,"error":{"code":"invalid_argument","message":"not a request: unknown field `text`, expected `id` or `texts` at line 1 column 14; one is `{\"id\":1,\"texts\":[\"some text\"]}`"}}
    {"id":null,"error":{"code":"invalid_argument","message":"not a request: expected ident at line 1 column 2; one is `{\"id\":1,\"texts\":[\"some text\"]}`"}}
    {"id":null,"error":{"code":"invalid_argument","message":"not a request: missing field `id` at line 1 column 2; one is `{\"id\":1,\"texts\":[\"some text\"]}`"}}
    {"id":null,"error":{"code":"invalid_argument","message":"not a request: expected value at line 1 column 1; one is `{\"id\":1,\"texts\":[\"some text\"]}`"}}
    {"id":6,"vectors":[[14.0,1.0]]}
    "#);
}

#[test]
fn too_much_at_once_is_refused_and_a_long_text_is_cut() {
    let many = Request { id: 1, texts: vec!["a".to_owned(); MAX_TEXTS + 1] };
    let long = Request { id: 2, texts: vec!["a".repeat(100_000)] };
    let blank = Request { id: 3, texts: vec![format!("{}word", " ".repeat(100_000))] };
    let lines = [many, long, blank].map(|request| serde_json::to_string(&request).unwrap());
    let endless = "x".repeat(MAX_LINE_BYTES + 1);
    let answers = talk(format!("{}\n{endless}\n{}\n", lines.join("\n"), lines[1]));
    insta::assert_snapshot!(answers, @r#"
    {"id":1,"error":{"code":"too_large","message":"257 texts are more than 256: ask in parts"}}
    {"id":2,"vectors":[[8192.0,1.0]]}
    {"id":3,"error":{"code":"invalid_argument","message":"text 0 (counted from 0) is empty, so it has no meaning"}}
    {"id":null,"error":{"code":"too_large","message":"the line is longer than 4194304 bytes: ask in parts"}}
    {"id":2,"vectors":[[8192.0,1.0]]}
    "#);
}

/// Never gives a line; ends when its sender is dropped.
struct Silent(mpsc::Receiver<()>);

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.recv().map_or(0, |()| 0))
    }
}

#[test]
fn it_ends_when_nothing_is_asked_for_a_while() {
    let (open, silent) = mpsc::channel();
    let input = io::BufReader::new(Silent(silent));
    let mut output = Vec::new();
    serve(&mut Fake, input, &mut output, Duration::from_millis(1)).unwrap();
    assert_eq!(output, b"");
    drop(open);
}

#[test]
fn an_answer_that_nobody_reads_ends_it() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let input = Cursor::new(b"{}\n".repeat(1000));
    let error = serve(&mut Fake, input, &mut Closed, Duration::from_secs(60)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

proptest! {
    #[test]
    fn no_line_stops_it(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut input = garbage;
        input.extend(b"\n{\"id\":7,\"texts\":[\"last\"]}\n");
        let answers = talk(input);
        prop_assert_eq!(answers.lines().last(), Some(r#"{"id":7,"vectors":[[4.0,1.0]]}"#));
        for line in answers.lines() {
            serde_json::from_str::<Answer>(line).unwrap();
        }
    }
}
