//! The browser's part of a login: it reads the page that vk shows, and goes to where the service sends it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

use crate::support::env::Vk;
use crate::support::terminal::Session;

/// A vk whose secrets go to the encrypted file.
pub(super) fn with_file(vk: Vk) -> Vk {
    let identity = vk.home().join("identity.txt").display().to_string();
    let vk = vk.var("VK_AGE_IDENTITY", &identity);
    let ran = vk.run(&["keys", "init", "--file"]);
    assert_eq!(ran.code, 0, "{ran}");
    vk
}

/// The page that was shown, and the query of its address.
pub(super) fn page(session: &mut Session) -> (Url, BTreeMap<String, String>) {
    session.wait_for("http");
    let rest = session.wait_for("\n");
    let url = Url::parse(&format!("http{}", rest.trim())).unwrap();
    let query = url.query_pairs().into_owned().collect();
    (url, query)
}

/// Follows a redirect to this machine as a browser does, with the query added. Gives the status and the page.
pub(super) fn follow(callback: &str, query: &str) -> (u16, String) {
    let url = Url::parse(callback).unwrap();
    let host = format!("localhost:{}", url.port().unwrap());
    get(&url, &format!("{}?{query}", url.path()), &host)
}

/// One request with this target and `Host`.
pub(super) fn get(to: &Url, target: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", to.port().unwrap())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    (status, answer)
}
