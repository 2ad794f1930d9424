//! Diagnostics for editors and CI, in the Static Analysis Results Interchange Format 2.1.0.

use serde_json::{Value, json};

use super::diagnostic::{Code, Diagnostic, Severity};
use super::source::{LineIndex, Span};

/// A SARIF log with one run. `file` is the plan's path or URI as the log shall name it.
pub fn sarif(diagnostics: &[Diagnostic], file: &str, source: &str) -> Value {
    let index = LineIndex::new(source);
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| json!({"id": code, "shortDescription": {"text": code.meaning()}}))
        .collect();
    let results: Vec<Value> = diagnostics.iter().map(|found| result(found, file, &index)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ostwin",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules
            }},
            "columnKind": "unicodeCodePoints",
            "results": results
        }]
    })
}

fn result(found: &Diagnostic, file: &str, index: &LineIndex<'_>) -> Value {
    let text = match &found.help {
        Some(help) => format!("{}. Help: {help}", found.message),
        None => found.message.clone(),
    };
    let rule = Code::ALL.iter().position(|code| *code == found.code);
    let mut result = json!({
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": {"text": text},
        "locations": [location(found.span, file, index)]
    });
    if !found.labels.is_empty() {
        let related: Vec<Value> = found
            .labels
            .iter()
            .enumerate()
            .map(|(number, label)| {
                let mut place = location(label.span, file, index);
                place["id"] = json!(number + 1);
                place["message"] = json!({"text": label.text});
                place
            })
            .collect();
        result["relatedLocations"] = Value::Array(related);
    }
    result
}

fn location(span: Span, file: &str, index: &LineIndex<'_>) -> Value {
    let (start, end) = (index.position(span.start), index.position(span.end));
    json!({"physicalLocation": {
        "artifactLocation": {"uri": file_uri(file)},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column
        }
    }})
}

/// A path as a relative or absolute URI reference: everything but unreserved characters and
/// slashes is percent-encoded.
fn file_uri(file: &str) -> String {
    if file.contains("://") {
        return file.to_owned();
    }
    let mut uri = String::new();
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
