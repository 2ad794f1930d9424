use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;

/// A service on loopback that answers each connection with the next of its replies, and tells
/// what it was asked.
fn service(replies: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        replies
            .into_iter()
            .map(|reply| {
                let (mut stream, _) = listener.accept().unwrap();
                let asked = read_request(&stream);
                stream.write_all(reply.as_bytes()).unwrap();
                asked
            })
            .collect()
    });
    (url, asked)
}

/// The request line, what it is authorized by, and its body.
fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut length, mut key) = (0, "-".to_owned());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => key = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    format!("{} | {key} | {}", first.trim_end(), String::from_utf8(body).unwrap())
}

fn reply(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn vectors(list: &[(usize, [f32; 2])]) -> String {
    let data: Vec<_> = list
        .iter()
        .map(|(index, embedding)| serde_json::json!({ "index": index, "embedding": embedding }))
        .collect();
    let body = serde_json::json!({ "object": "list", "data": data, "usage": { "tokens": 1 } });
    reply("200 OK", &body.to_string())
}

/// What connecting to a service that replies so ends with.
fn refusal(reply: String) -> String {
    let (url, asked) = service(vec![reply]);
    let Err(problem) = Endpoint::connect(&url, "m", None) else { panic!("it connected") };
    asked.join().unwrap();
    assert_eq!(problem.code, Code::Unavailable);
    problem.message.replace(&url, "URL")
}

#[test]
fn it_asks_as_the_api_wants_it_and_sorts_what_comes() {
    let replies = vec![vectors(&[(0, [1.0, 0.0])]), vectors(&[(1, [0.0, 2.0]), (0, [3.0, 4.0])])];
    let (url, asked) = service(replies);
    let mut endpoint = Endpoint::connect(&url, "small", Some("secret".to_owned())).unwrap();
    assert_eq!(endpoint.dimensions(), 2);
    assert!(endpoint.name().starts_with("small-"), "{}", endpoint.name());
    let found = endpoint.encode(&["a", "b"]).unwrap();
    assert_eq!(found, [[0.6, 0.8], [0.0, 1.0]]);
    assert_eq!(
        asked.join().unwrap(),
        [
            "POST /v1/embeddings HTTP/1.1 | Bearer secret | \
             {\"model\":\"small\",\"input\":[\"dimensions\"],\"encoding_format\":\"float\"}",
            "POST /v1/embeddings HTTP/1.1 | Bearer secret | \
             {\"model\":\"small\",\"input\":[\"a\",\"b\"],\"encoding_format\":\"float\"}",
        ]
    );
}

#[test]
fn what_a_service_says_instead_is_told() {
    let denied = refusal(reply("401 Unauthorized", "{\"error\":\n \"no key\"}"));
    let unknown = refusal(reply("404 Not Found", ""));
    let broken = refusal(reply("200 OK", "{\"data\":[{\"index\":0}]}"));
    let foreign = refusal(vectors(&[(7, [1.0, 0.0])]));
    let twice = refusal(vectors(&[(0, [1.0, 0.0]), (0, [1.0, 0.0])]));
    let none = refusal(vectors(&[]));
    let moved = refusal(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".into(),
    );
    let all = [denied, unknown, broken, foreign, twice, none, moved];
    insta::assert_snapshot!(all.join("\n"), @r#"
    `URL/v1/embeddings`: it answered 401: {"error": "no key"}; put its key into the variable OSTWIN_EMBEDDING_KEY
    `URL/v1/embeddings`: it answered 404; look at `memory.embedding.url` and `memory.embedding.model`
    `URL/v1/embeddings`: its answer: json: missing field `embedding` at line 1 column 20
    `URL/v1/embeddings`: its answer has vectors nobody asked for
    `URL/v1/embeddings`: its answer has vectors nobody asked for
    `URL/v1/embeddings`: its answer has too few vectors
    `URL/v1/embeddings`: it answered 302
    "#);
}

#[test]
fn no_answer_is_an_error_and_not_a_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let Err(problem) = Endpoint::connect(&url, "m", None) else { panic!("it connected") };
    assert_eq!(problem.code, Code::Unavailable);
    assert!(problem.message.contains("refused"), "{problem}");
}

#[test]
fn another_length_than_before_is_refused() {
    let body = r#"{"data":[{"index":0,"embedding":[1.0]}]}"#;
    let (url, asked) = service(vec![vectors(&[(0, [1.0, 0.0])]), reply("200 OK", body)]);
    let mut endpoint = Endpoint::connect(&url, "m", None).unwrap();
    let problem = endpoint.encode(&["a"]).unwrap_err();
    asked.join().unwrap();
    assert!(problem.message.contains("had 2 numbers before, now one has 1"), "{problem}");
}

#[test]
fn a_base_address_may_name_part_of_the_path() {
    let found = [
        "http://localhost:11434",
        "https://models.example.org/",
        "https://models.example.org/v1",
        "https://models.example.org/api/v1/",
        "https://models.example.org/v1/embeddings",
    ]
    .map(|url| address(url).unwrap());
    assert_eq!(
        found,
        [
            "http://localhost:11434/v1/embeddings",
            "https://models.example.org/v1/embeddings",
            "https://models.example.org/v1/embeddings",
            "https://models.example.org/api/v1/embeddings",
            "https://models.example.org/v1/embeddings",
        ]
    );
    for bad in ["", "localhost", "ftp://x", "http://", "http:///v1", "http://x?y", "http://x/#y"] {
        let problem = address(bad).unwrap_err();
        assert_eq!(problem.code, Code::InvalidArgument);
        assert!(problem.message.contains(&format!("`{bad}`")), "{problem}");
    }
}
