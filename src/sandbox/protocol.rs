//! What vk and the inside of the sandbox say to each other: JSON frames behind a four-byte length, over the one socket
//! that is the inside's standard input. What comes from inside is data from strangers: bounded, and never trusted for
//! a decision that the host can make itself.

use std::ffi::OsString;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The port of the inside's own loopback where vk's proxy is reached: above the ephemeral range, so that no program
/// is given it by chance.
pub(super) const PROXY_PORT: u16 = 61_080;

/// No frame is longer. A command's script and the ends of its output stay far below.
const FRAME_LIMIT: usize = 8 * 1024 * 1024;

/// Room for one read.
const READ_AHEAD: usize = 16 * 1024;

/// The first frame, from vk: what to hold, what to prove, and how shells are started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Start {
    pub confine: Confine,
    /// At once.
    pub processes: u64,
    pub shell: OsString,
    pub env: Vec<(OsString, OsString)>,
    pub workspace: OsString,
    /// A private folder for the carried state.
    pub state_dir: OsString,
    /// The state that another inside left behind.
    pub state: Option<Bytes>,
    /// Files to make first, such as a package manager's settings in the private HOME.
    pub files: Vec<(OsString, String)>,
    /// Whether vk's proxy is to be reached from inside.
    pub proxy: bool,
    pub probe: Option<Probe>,
}

/// What the inside lays on itself before it runs anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Confine {
    /// Namespaces hold already; only system calls are filtered.
    Namespaces,
    /// Landlock and a stricter filter.
    Landlock {
        read: Vec<OsString>,
        write: Vec<OsString>,
        devices: Vec<OsString>,
        any_network: bool,
    },
    Nothing,
}

/// What must fail from inside. The host judges by the effect where it can see one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Probe {
    /// Files to write, none of which may then exist on the host.
    pub write: Vec<OsString>,
    /// Files to read, none of which may give `secret`.
    pub read: Vec<OsString>,
    /// A listener of the host's loopback; absent where any network is allowed.
    pub tcp_port: Option<u16>,
    /// Bus sockets of the host.
    pub sockets: Vec<OsString>,
}

/// What the probe found from inside; every list must be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Probed {
    pub read: Vec<Bytes>,
    pub connected: Vec<OsString>,
    pub tcp: bool,
    pub keyctl: bool,
    pub unfiltered: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum ToInside {
    Run {
        id: u64,
        script: String,
        timeout_ms: u64,
        head: usize,
        tail: usize,
    },
    /// Start a program that is spoken with, and hand the outer ends of its standard input and output over. It ends as a
    /// command does, and its answer holds what it wrote to standard error.
    Serve {
        id: u64,
        program: Vec<OsString>,
        /// Beside the environment of commands.
        env: Vec<(OsString, OsString)>,
        in_workspace: bool,
        timeout_ms: u64,
        head: usize,
        tail: usize,
    },
    /// End the command with this id; nothing happens if it has ended.
    Stop {
        id: u64,
    },
    /// Give the carried state, to hand it to the next inside.
    State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum FromInside {
    Ready {
        probed: Probed,
        landlock_abi: i32,
    },
    /// It could not be made safe; nothing was or will be run.
    Failed {
        reason: String,
    },
    Done(Done),
    State {
        state: Option<Bytes>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Done {
    pub id: u64,
    pub ended: Ended,
    pub head: Bytes,
    pub tail: Bytes,
    pub omitted: u64,
    pub micros: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ended {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    Crowded,
    Stopped,
}

/// Bytes as base64: output is seldom JSON's idea of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// One message as it goes over the wire.
pub(super) fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let prefix = u32::try_from(length).ok().filter(|_| length <= FRAME_LIMIT);
    bytes[..4].copy_from_slice(&prefix.ok_or_else(too_long)?.to_be_bytes());
    Ok(bytes)
}

/// Bytes as they come in, until they make up a message.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Where to read more into, behind what is there.
    pub(super) fn more(&mut self) -> &mut Vec<u8> {
        self.buffer.reserve(READ_AHEAD);
        &mut self.buffer
    }

    /// The next whole message, if there is one.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if length > FRAME_LIMIT {
            return Err(too_long());
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let message = serde_json::from_slice(&self.buffer[4..4 + length]);
        self.buffer.drain(..4 + length);
        Ok(Some(message?))
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message is longer than 8 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_absurd_length_is_refused_before_it_is_waited_for() {
        let mut frames = Frames::default();
        frames.push(&[0xff, 0xff, 0xff, 0xff]);
        assert!(frames.next::<ToInside>().is_err());
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_messages(scripts in prop::collection::vec(".{0,40}", 1..5), cut in 1..40_usize) {
            let mut wire = Vec::new();
            for (id, script) in scripts.iter().enumerate() {
                let run = ToInside::Run { id: id as u64, script: script.clone(), timeout_ms: 1, head: 2, tail: 3 };
                wire.extend(frame(&run).unwrap());
            }
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for piece in wire.chunks(cut) {
                frames.push(piece);
                while let Some(ToInside::Run { script, .. }) = frames.next().unwrap() {
                    seen.push(script);
                }
            }
            prop_assert_eq!(seen, scripts);
        }
    }
}
