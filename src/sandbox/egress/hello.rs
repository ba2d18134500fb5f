//! The host that a TLS greeting names. Behind one address many hosts may answer, and a tunnel that was opened for one
//! of them could greet another.

/// What the first bytes of a tunnel say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// More bytes are needed.
    Incomplete,
    /// A TLS greeting for this host, lower case.
    For(String),
    /// A TLS greeting that names no host.
    Unnamed,
    NotTls,
}

/// Reads the beginning of a client's side of a tunnel (RFC 8446 section 4.1.2, RFC 6066 section 3).
pub(super) fn greeting(bytes: &[u8]) -> Greeting {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    match bytes {
        [] => return Greeting::Incomplete,
        [HANDSHAKE, ..] => {}
        _ => return Greeting::NotTls,
    }
    let mut record = Reader(&bytes[1..]);
    let body = record.skip(2).and_then(|()| record.block(2));
    let Some(body) = body else { return Greeting::Incomplete };
    let mut message = Reader(body);
    if message.take(1) != Some(&[CLIENT_HELLO]) {
        return Greeting::NotTls;
    }
    // A greeting that spans records is nothing that a client of ours sends: it is refused as unnamed.
    message.block(3).and_then(server_name).map_or(Greeting::Unnamed, Greeting::For)
}

fn server_name(hello: &[u8]) -> Option<String> {
    const SERVER_NAME: [u8; 2] = [0, 0];
    let mut hello = Reader(hello);
    hello.skip(2 + 32)?;
    let _session = hello.block(1)?;
    let _ciphers = hello.block(2)?;
    let _compression = hello.block(1)?;
    let mut extensions = Reader(hello.block(2)?);
    loop {
        let kind = extensions.take(2)?;
        let body = extensions.block(2)?;
        if kind != SERVER_NAME {
            continue;
        }
        let mut names = Reader(Reader(body).block(2)?);
        // The only kind there is: a host name.
        if names.take(1)? != [0] {
            return None;
        }
        return std::str::from_utf8(names.block(2)?).ok().map(str::to_ascii_lowercase);
    }
}

/// Fields behind each other; `None` past the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(drop)
    }

    /// A field behind its own length of `width` bytes.
    fn block(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.take(width)?.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        self.take(length)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(width: usize, body: &[u8]) -> Vec<u8> {
        let length = body.len().to_be_bytes();
        [&length[length.len() - width..], body].concat()
    }

    /// A greeting as clients write it, with an extension before the name.
    pub(in super::super) fn hello(host: Option<&str>) -> Vec<u8> {
        let mut extensions = [vec![0, 43], block(2, &[2, 3, 4])].concat();
        if let Some(host) = host {
            let name = [vec![0], block(2, host.as_bytes())].concat();
            extensions.extend([vec![0, 0], block(2, &block(2, &name))].concat());
        }
        let body =
            [vec![3, 3], vec![7; 32], block(1, &[9; 32]), block(2, &[0x13, 1]), block(1, &[0]), block(2, &extensions)]
                .concat();
        let message = [vec![1], block(3, &body)].concat();
        [vec![22, 3, 1], block(2, &message)].concat()
    }

    #[test]
    fn the_named_host_is_read() {
        assert_eq!(greeting(&hello(Some("Crates.IO"))), Greeting::For("crates.io".to_owned()));
        assert_eq!(greeting(&hello(None)), Greeting::Unnamed);
        assert_eq!(greeting(b"GET / HTTP/1.1\r\n"), Greeting::NotTls);
        let whole = hello(Some("crates.io"));
        for cut in 0..whole.len() {
            assert_eq!(greeting(&whole[..cut]), Greeting::Incomplete, "at {cut}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..100_usize, byte: u8) {
            greeting(&bytes);
            let mut bent = hello(Some("a.example"));
            let at = at % bent.len();
            bent[at] = byte;
            greeting(&bent);
        }
    }
}
