//! Server-sent events from bytes, however they are split. Reads; knows no provider and makes no connection.
//!
//! Format: https://html.spec.whatwg.org/multipage/server-sent-events.html. `id` and `retry` mean nothing to a model's
//! answer, which is never resumed; MCP's streams are. An event without its closing empty line is not an event.

use std::mem;

/// The longest line, and the most data in one event. Also what bounds this decoder's memory.
const LARGEST: usize = 8 << 20;

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Event(Event),
    /// A line that starts with a colon: a sign of life.
    Comment,
}

/// One event. The data is bytes: whoever needs it as text says what to do with what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field; empty where the stream names none.
    pub name: String,
    /// The `data:` lines, joined by line feeds.
    pub data: Vec<u8>,
    /// The event's own `id:` and `retry:` fields, where it has them.
    pub id: Option<String>,
    pub retry_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("a line or event of more than {} MiB", LARGEST >> 20)]
    TooLong,
}

/// The decoder's state between two pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The last byte was a CR: an LF right after it ends no second line.
    after_cr: bool,
    /// At least one line has ended: a byte order mark can no longer come.
    begun: bool,
    event: Event,
    has_data: bool,
}

impl Decoder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream and gives what they complete, in order.
    ///
    /// # Errors
    /// A line, or the data of one event, over 8 MiB. The stream is then of no use.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Item>, SseError> {
        let mut items = Vec::new();
        while !bytes.is_empty() {
            if mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + piece.len() > LARGEST {
                return Err(SseError::TooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let line = mem::take(&mut self.line);
            if let Some(item) = self.end_line(&line)? {
                items.push(item);
            }
            self.line = reuse(line);
        }
        Ok(items)
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<Item>, SseError> {
        let line =
            if mem::replace(&mut self.begun, true) { line } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) };
        if line.is_empty() {
            let event = mem::take(&mut self.event);
            return Ok(mem::take(&mut self.has_data).then_some(Item::Event(event)));
        }
        let (field, value) = match line.iter().position(|b| *b == b':') {
            Some(0) => return Ok(Some(Item::Comment)),
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &[][..]),
        };
        match field {
            b"data" => {
                if self.has_data {
                    self.event.data.push(b'\n');
                }
                if self.event.data.len() + value.len() > LARGEST {
                    return Err(SseError::TooLong);
                }
                self.event.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"id" if !value.contains(&0) => self.event.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" => self.event.retry_ms = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
            b"event" => self.event.name = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
        Ok(None)
    }
}

/// Keeps a line's allocation for the next one, unless one long line would hold on to much memory.
fn reuse(mut line: Vec<u8>) -> Vec<u8> {
    line.clear();
    line.shrink_to(64 << 10);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Item> {
        Decoder::new().push(bytes).unwrap()
    }

    fn event(name: &str, data: &str) -> Item {
        Item::Event(Event { name: name.to_owned(), data: data.as_bytes().to_vec(), ..Event::default() })
    }

    #[test]
    fn lines_end_in_any_of_the_three_ways() {
        let expected = vec![event("a", "1\n2"), Item::Comment, event("", "3")];
        for end in ["\n", "\r\n", "\r"] {
            let text = "event: a|data: 1|data:2||:ping||data: 3||".replace('|', end);
            assert_eq!(decode(text.as_bytes()), expected, "{end:?}");
        }
    }

    #[test]
    fn the_odd_corners_of_the_format() {
        assert_eq!(decode(b"\xef\xbb\xbfdata: x\n\n"), [event("", "x")], "a byte order mark, once");
        assert_eq!(decode(b"event: ping\n\n"), [], "no data, no event");
        assert_eq!(decode(b"event: a\n\ndata: x\n\n"), [event("", "x")], "and its name is forgotten");
        assert_eq!(decode(b"data\n\ndata:\ndata\n\n"), [event("", ""), event("", "\n")], "a field without a colon");
        assert_eq!(decode(b"data:  x\n\n"), [event("", " x")], "one space only is dropped");
        let resumable = Event { data: b"x".to_vec(), id: Some("1".into()), retry_ms: Some(5), ..Event::default() };
        assert_eq!(decode(b"id: 1\nretry: 5\nunknown: y\ndata: x\n\n"), [Item::Event(resumable)]);
        assert_eq!(decode(b"id: a\0b\nretry: soon\ndata: x\n\n"), [event("", "x")]);
        assert_eq!(decode(b"data: {\"a\":1}"), [], "an event that has not ended");
        assert_eq!(decode(b"data: {\"a\":1}\n"), []);
    }

    #[test]
    fn an_endless_line_or_event_is_an_error_and_not_memory() {
        let mut decoder = Decoder::new();
        let piece = vec![b'x'; 1 << 20];
        let pushed = (0..9).find_map(|_| decoder.push(&piece).err());
        assert_eq!(pushed, Some(SseError::TooLong));

        let mut decoder = Decoder::new();
        let mut line = b"data: ".to_vec();
        line.extend_from_slice(&piece);
        line.push(b'\n');
        let pushed = (0..9).find_map(|_| decoder.push(&line).err());
        assert_eq!(pushed, Some(SseError::TooLong));
    }

    /// Lines of the format and of none, with multi-byte text, ended in every way.
    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just("data: é 日本 🙂".to_owned()),
            Just("event: a".to_owned()),
            Just(String::new()),
            Just(": comment".to_owned()),
            "[ -~é]{0,12}",
            "data:[ -~日]{0,12}",
        ];
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
        (any::<bool>(), prop::collection::vec((line, end), 0..20)).prop_map(|(mark, lines)| {
            let mut bytes = if mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
            for (line, end) in &lines {
                bytes.extend_from_slice(format!("{line}{end}").as_bytes());
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(bytes in streams(), cuts in prop::collection::vec(0_usize..400, 0..12)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut decoder = Decoder::new();
            let mut items = Vec::new();
            for pair in cuts.windows(2) {
                items.extend(decoder.push(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(items, decode(&bytes));
        }

        #[test]
        fn bytes_of_any_kind_are_taken(bytes: Vec<u8>) {
            prop_assert!(Decoder::new().push(&bytes).is_ok());
        }
    }
}
