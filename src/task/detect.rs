//! What this machine has that could pay or run a model: variables and local servers. It only looks: at
//! names and not at values, and with one small question to loopback ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::base::env::Env;
use crate::config::Settings;
use crate::provider::local::vendor_of;

/// A program on this machine that answers at once or not at all.
const PATIENCE: Duration = Duration::from_millis(150);
/// A list of models is small; whatever is longer is something else.
const MOST_BYTES: u64 = 256 * 1024;

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub keys: Vec<AmbientKey>,
    pub servers: Vec<LocalServer>,
}

/// A variable that holds a key of a provider, by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmbientKey {
    pub variable: String,
    pub provider: &'static str,
}

/// A model server that answers on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// What usually listens there: `ollama`.
    pub name: &'static str,
    /// What goes into `base_url`.
    pub base_url: String,
    /// The ids it offers, in its own order.
    pub models: Vec<String>,
    /// Whose models it lists, where it is no server but a gateway to them: somebody may pay behind it.
    pub gateway: Option<String>,
}

impl LocalServer {
    /// The provider that has this address, if any: a built-in one, or one of the user's.
    #[must_use]
    pub fn provider<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        let same = |address: &str| {
            let port = |text: &str| url::Url::parse(text).ok().and_then(|url| url.port());
            let loopback = |text: &str| ["//127.0.0.1:", "//localhost:", "//[::1]:"].iter().any(|l| text.contains(l));
            loopback(address) && port(address) == port(&self.base_url)
        };
        let mut there = settings.providers.iter().filter(|(_, provider)| same(&provider.base_url));
        // One that the user made for this address is meant rather than the built-in one.
        let (name, _) = there.clone().find(|(_, provider)| !provider.is_unnamed_server()).or_else(|| there.next())?;
        Some(name)
    }
}

/// Which provider a variable's key is for. Only names that stand for one key of one provider.
const VARIABLES: &[(&str, &str)] = &[
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("OPENAI_API_KEY", "openai"),
    ("GEMINI_API_KEY", "gemini"),
    ("GOOGLE_API_KEY", "gemini"),
    ("GROQ_API_KEY", "groq"),
    ("DEEPSEEK_API_KEY", "deepseek"),
    ("MISTRAL_API_KEY", "mistral"),
    ("OPENROUTER_API_KEY", "openrouter"),
    ("XAI_API_KEY", "xai"),
    ("ZAI_API_KEY", "zai"),
];

/// A port and what listens there by default: the servers' own documentation (2026-08).
const SERVERS: &[(&str, u16)] = &[("ollama", 11434), ("lmstudio", 1234), ("llamacpp", 8080), ("vllm", 8000)];

/// Looks everywhere; takes as long as the slowest port, at most a sixth of a second.
pub async fn all(env: &Env) -> Found {
    Found { keys: keys(env), servers: servers().await }
}

#[must_use]
pub fn keys(env: &Env) -> Vec<AmbientKey> {
    let is_set = |(variable, _): &&(&str, &str)| env.get(variable).is_some();
    VARIABLES
        .iter()
        .filter(is_set)
        .map(|(variable, provider)| AmbientKey { variable: (*variable).to_owned(), provider })
        .collect()
}

pub async fn servers() -> Vec<LocalServer> {
    let probes = SERVERS.iter().map(|(name, port)| probe(name, *port));
    futures_util::future::join_all(probes).await.into_iter().flatten().collect()
}

/// Whether an OpenAI-compatible model server answers at this loopback port. Any other program there is left alone
/// after one GET.
async fn probe(name: &'static str, port: u16) -> Option<LocalServer> {
    let answer = timeout(PATIENCE, models(port)).await.ok()??;
    let (models, gateway) = answer;
    Some(LocalServer { name, base_url: format!("http://127.0.0.1:{port}/v1"), models, gateway })
}

async fn models(port: u16) -> Option<Listed> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()?;
    // HTTP/1.0 rules out chunks and keeps this to one read to the end.
    let request = format!("GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await.ok()?;
    ids(&answer)
}

/// The ids that run here, and the vendor whose models are listed, if any.
type Listed = (Vec<String>, Option<String>);

/// What an answer to `GET /v1/models` lists; `None` if it is no such answer.
fn ids(answer: &[u8]) -> Option<Listed> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut first = head.lines().next()?.split_ascii_whitespace();
    if !first.next()?.starts_with("HTTP/1.") || first.next()? != "200" {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer[end + 4..]).ok()?;
    // Ollama answers `null` before the first model is pulled.
    let data = body.as_object()?.get("data")?;
    if data.is_null() {
        return Some((Vec::new(), None));
    }
    let rows = data.as_array()?;
    let id = |model: &Value| Some(model.get("id")?.as_str()?.chars().take(200).collect());
    // Ollama lists what it hands to its own service beside what runs here.
    let is_here = |id: &String| !id.ends_with(":cloud") && !id.ends_with("-cloud");
    Some((rows.iter().filter_map(id).filter(is_here).take(50).collect(), vendor_of(rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers one connection with these bytes; `None` accepts and says nothing.
    async fn serve(answer: Option<&'static str>) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let n = stream.read(&mut request).await.unwrap();
            assert!(request[..n].starts_with(b"GET /v1/models HTTP/1.0\r\n"));
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        port
    }

    #[tokio::test]
    async fn a_model_server_is_recognised_by_its_list_of_models() {
        let port = serve(Some(
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n\
             {\"object\":\"list\",\"data\":[{\"id\":\"qwen3-coder:30b\",\"object\":\"model\"},{\"id\":7},{\"id\":\"gpt-oss:20b\"}]}",
        ))
        .await;
        let found = probe("ollama", port).await.unwrap();
        assert_eq!((found.models, found.gateway), (vec!["qwen3-coder:30b".to_owned(), "gpt-oss:20b".to_owned()], None));
        assert_eq!(found.base_url, format!("http://127.0.0.1:{port}/v1"));
    }

    #[tokio::test]
    async fn a_gateway_is_told_from_a_server_and_what_runs_elsewhere_is_left_out() {
        let port = serve(Some(
            "HTTP/1.1 200 OK\r\n\r\n{\"data\":[{\"id\":\"gpt-4o\",\"object\":\"model\",\"created\":1677610602,\"owned_by\":\"openai\"}]}",
        ))
        .await;
        assert_eq!(probe("vllm", port).await.unwrap().gateway.as_deref(), Some("openai"));
        let listed = ids(b"HTTP/1.1 200 OK\r\n\r\n{\"data\":[{\"id\":\"gpt-oss:120b-cloud\",\"owned_by\":\"library\"},{\"id\":\"qwen3:8b\",\"owned_by\":\"library\"}]}");
        assert_eq!(listed, Some((vec!["qwen3:8b".to_owned()], None)));
    }

    #[tokio::test]
    async fn whatever_else_listens_there_is_left_alone() {
        for answer in [
            "HTTP/1.1 404 Not Found\r\n\r\n{\"data\":[]}",
            "HTTP/1.1 200 OK\r\n\r\n<html>hello</html>",
            "HTTP/1.1 200 OK\r\n\r\n[1,2]",
            "HTTP/1.1 200 OK\r\n\r\n{\"data\":\"x\"}",
            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
            "",
        ] {
            let port = serve(Some(answer)).await;
            assert_eq!(probe("vllm", port).await, None, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_port_that_says_nothing_costs_no_more_than_the_patience() {
        let port = serve(None).await;
        let before = std::time::Instant::now();
        assert_eq!(probe("vllm", port).await, None);
        assert!(before.elapsed() < PATIENCE * 4);
    }

    #[test]
    fn an_empty_server_is_one() {
        assert_eq!(ids(b"HTTP/1.1 200 OK\r\n\r\n{\"object\":\"list\",\"data\":null}"), Some((Vec::new(), None)));
    }

    #[test]
    fn a_variable_is_told_by_its_name_alone() {
        let env = Env::of(&[("OPENAI_API_KEY", "x")], std::path::Path::new("/"));
        assert_eq!(keys(&env), [AmbientKey { variable: "OPENAI_API_KEY".into(), provider: "openai" }]);
    }
}
