//! The number of a request that is too long to be read: found while its bytes are passed over,
//! so that whoever sent it gets a refusal instead of waiting for an answer that never comes.

use rmcp::model::RequestId;

/// Longest name or number that is kept to be looked at; longer ones are not found.
const MAX_KEPT: usize = 256;

/// A message of which only the outermost members are seen, in a few bytes of memory.
#[derive(Debug, Default)]
pub(super) struct Skim {
    /// How many objects and lists are open.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// What was seen last of the outermost object: a name, or a value without its parts.
    kept: Vec<u8>,
    /// Whether `kept` is the value of the member `id`.
    is_id: bool,
    id: Option<RequestId>,
    /// The first byte that means something.
    first: Option<u8>,
}

impl Skim {
    /// Passes over the next bytes of the message.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// Whether this began like a message, or a batch of them.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.first, Some(b'{' | b'['))
    }

    /// The number that the request had.
    pub(super) fn id(self) -> Option<RequestId> {
        self.id
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        if byte.is_ascii_whitespace() {
            return;
        }
        self.first.get_or_insert(byte);
        match byte {
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_member();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => {
                self.is_id = self.kept == b"\"id\"";
                self.kept.clear();
            }
            b',' if self.depth == 1 => self.end_member(),
            _ => {
                self.in_string = byte == b'"';
                self.keep(byte);
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.kept.len() < MAX_KEPT {
            self.kept.push(byte);
        }
    }

    fn end_member(&mut self) {
        if std::mem::take(&mut self.is_id) {
            self.id = serde_json::from_slice(&self.kept).ok();
        }
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(text: &str) -> Option<RequestId> {
        // However the bytes are cut, the same is found.
        let mut whole = Skim::default();
        whole.pass(text.as_bytes());
        let mut torn = Skim::default();
        text.as_bytes().chunks(3).for_each(|part| torn.pass(part));
        let id = whole.id();
        assert_eq!(torn.id(), id);
        id
    }

    #[test]
    fn the_number_is_found_wherever_it_stands() {
        let number = Some(RequestId::Number(7));
        assert_eq!(id_of(r#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"id":8}}"#), number);
        assert_eq!(
            id_of(r#"{"params":{"a":[{"id":8}],"id":9},"jsonrpc":"2.0" , "id" : 7 }"#),
            number
        );
        let text = Some(RequestId::String("a\"},b".into()));
        assert_eq!(id_of(r#"{"id":"a\"},b","params":"}{[ \\"}"#), text);
    }

    #[test]
    fn what_is_no_number_of_a_request_is_none() {
        for text in [
            r#"{"method":"x","params":{"id":8}}"#,
            r#"[{"id":7}]"#,
            r#"{"id":{"id":7}}"#,
            r#"{"id":null}"#,
            r#"{"id":1.5}"#,
            r#"{"x":"id","y":"\"id\":7"}"#,
            "}}]]",
            "",
        ] {
            assert_eq!(id_of(text), None, "{text}");
        }
        let long = format!("{{\"id\":\"{}\"}}", "x".repeat(MAX_KEPT));
        assert_eq!(id_of(&long), None);
    }

    #[test]
    fn a_message_is_told_from_rubbish() {
        for (text, is_message) in [(" {\"a\"", true), ("[1", true), ("xx{", false), ("", false)] {
            let mut skim = Skim::default();
            skim.pass(text.as_bytes());
            assert_eq!(skim.is_message(), is_message, "{text}");
        }
    }
}
