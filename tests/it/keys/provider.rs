//! What a provider answers about a key: whose it is, that it works, that it does not, and from where.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::home::Home;

const CANARY: &str = "sk-ant-api03-canary-3Vt8Pq55";

/// A provider on loopback that gives the same answer until it is given another.
struct Provider {
    port: u16,
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(Vec::new())));
        let (give, note) = (Arc::clone(&answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut chunk = [0; 4_096];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut chunk).unwrap() {
                        0 => break,
                        read => request.extend_from_slice(&chunk[..read]),
                    }
                }
                note.lock().unwrap().push(String::from_utf8(request).unwrap());
                let _ = stream.write_all(give.lock().unwrap().as_bytes());
            }
        });
        Self { port, answer, asked }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn answers(&self, status: &str, organization: Option<&str>, body: &str) {
        let header = organization.map(|id| format!("anthropic-organization-id: {id}\r\n")).unwrap_or_default();
        *self.answer.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn works_for(&self, organization: &str) {
        self.answers("200 OK", Some(organization), r#"{"data":[{"id":"claude-sonnet-5-5"}],"has_more":true}"#);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn home(provider: &Provider) -> Home {
    let home = Home::with_file();
    home.configure(&format!("[providers.anthropic]\nbase_url = \"{}\"\n", provider.url()));
    home.vk(&["keys", "add", "anthropic", "--stdin", "--label", "client-a"], CANARY).says(0, &[]);
    home
}

#[test]
fn the_first_answer_pins_the_organization_and_another_one_contradicts() {
    let provider = Provider::new();
    let home = home(&provider);
    provider.works_for("org-1");
    let ran = home.vk(&["keys", "test", "client-a", "--output", "json"], "");
    ran.says(0, &[]);
    assert_eq!(ran.json()[0]["ok"], true);
    assert_eq!(ran.json()[0]["organization"], "org-1");
    let asked = provider.asked();
    assert_eq!(asked.len(), 1, "one request");
    assert!(asked[0].starts_with("GET /v1/models"), "{asked:?}");
    assert!(asked[0].contains(&format!("x-api-key: {CANARY}")), "{asked:?}");
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").json()[0]["account"], "org-1");

    provider.works_for("org-2");
    let ran = home.vk(&["keys", "test", "client-a"], "");
    ran.says(4, &["org-2", "org-1", "vk keys remove client-a"]);
    provider.answers("403 Forbidden", Some("org-2"), "{}");
    home.vk(&["keys", "test", "client-a"], "").says(4, &["org-2"]);
    assert_eq!(home.vk(&["keys", "list", "--output", "json"], "").json()[0]["account"], "org-1");
    provider.works_for("org-1");
    let ran = home.vk(&["keys", "test"], "");
    assert!(ran.code == 0 && ran.stdout.contains("works"), "{ran:?}");
    assert!(home.files_with(CANARY).is_empty());
}

#[test]
fn a_refused_key_says_what_to_do_and_an_unwell_provider_is_not_the_keys_fault() {
    let provider = Provider::new();
    let home = home(&provider);
    let refusal = format!(
        r#"{{"type":"error","error":{{"type":"authentication_error","message":"invalid x-api-key {CANARY}"}}}}"#
    );
    provider.answers("401 Unauthorized", None, &refusal);
    let ran = home.vk(&["keys", "test", "client-a"], "");
    ran.says(3, &["does not accept the key anthropic/client-a", "vk keys add anthropic --label client-a"]);
    assert!(!ran.stderr.contains("canary"), "{ran:?}");
    provider.answers("503 Service Unavailable", None, "{}");
    home.vk(&["keys", "test", "client-a"], "").says(6, &["anthropic"]);
    provider.answers("302 Found\r\nlocation: http://127.0.0.1:9/", None, "{}");
    home.vk(&["keys", "test", "client-a"], "").says(6, &["redirect"]);
    assert_eq!(provider.asked().len(), 3);

    // With several keys each is tested, and one failure is enough for the code.
    home.vk(&["keys", "add", "anthropic", "--stdin", "--label", "b"], "sk-ant-api03-b").says(0, &[]);
    provider.answers("401 Unauthorized", None, &refusal);
    let ran = home.vk(&["keys", "test", "--output", "json"], "");
    assert_eq!((ran.code, ran.json().as_array().unwrap().len()), (3, 2), "{ran:?}");
    assert_eq!(ran.json()[0]["error"]["code"], "key_rejected");
}

#[test]
fn a_key_goes_to_no_other_address_until_that_is_accepted() {
    let (first, second) = (Provider::new(), Provider::new());
    let home = home(&first);
    second.works_for("org-1");
    home.configure(&format!("[providers.anthropic]\nbase_url = \"{}\"\n", second.url()));
    let ran = home.vk(&["keys", "test", "client-a"], "");
    ran.says(3, &["is bound to", &first.url(), "vk keys test client-a --provider anthropic --accept-address"]);
    assert!(second.asked().is_empty(), "nothing was sent");
    home.vk(&["keys", "test", "--accept-address"], "").says(0, &["is now bound to", &second.url()]);
    assert_eq!(second.asked().len(), 1);
    home.vk(&["keys", "test", "client-a"], "").says(0, &[]);
    home.configure("");
    home.vk(&["keys", "test", "client-a"], "").says(3, &["is bound to"]);
    assert!(first.asked().is_empty());
}

#[test]
fn a_project_cannot_move_a_key() {
    let provider = Provider::new();
    let home = home(&provider);
    let vk_toml = home.path().join("project/vk.toml");
    std::fs::write(vk_toml, "[providers.anthropic]\nbase_url = \"http://127.0.0.1:9\"\n").unwrap();
    home.vk(&["keys", "test", "client-a"], "").says(2, &["vk.toml"]);
    assert!(provider.asked().is_empty());
}
