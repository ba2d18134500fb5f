//! What a model server of this machine says of itself: what it is, which models it has, and how much context is in
//! force for each. Only its own free requests are made; nothing of a task is sent. A gateway that other people's
//! accounts stand behind is told from a server.

mod llama_cpp;
mod lm_studio;
mod ollama;
mod vllm;

use bytes::Bytes;
use serde_json::Value;

use crate::net::http::{Client, NetError, Request};

/// A description of a server is small; whatever is longer is something else.
const LARGEST: usize = 4 << 20;
const MOST_MODELS: usize = 200;
const LONGEST_ID: usize = 200;

/// Which server it is, which decides where its context stands and how it is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ollama,
    LlamaCpp,
    LmStudio,
    Vllm,
    /// It speaks Chat Completions and says no more.
    Other,
}

/// One model of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalModel {
    pub id: String,
    /// Tokens of context in force; `None` where it is not loaded or does not say.
    pub context: Option<u64>,
    /// What it was trained for: the most that its context can be raised to.
    pub most: Option<u64>,
    /// Whether it takes tools; `None` where the server does not say.
    pub tools: Option<bool>,
    /// Whether the server hands it to a service elsewhere.
    pub hosted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    pub kind: Kind,
    pub models: Vec<LocalModel>,
    /// What it is instead of a server: a gateway, by its name.
    pub gateway: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{from} answered {status}")]
    Status { from: String, status: u16 },
    #[error("what {from} answered is no list of models")]
    NoList { from: String },
}

/// Looks at the server behind `base_url` (which ends in `/v1`).
///
/// # Errors
/// Nobody answers, or not with a list of models.
pub async fn look(client: &Client, base_url: &str) -> Result<LocalServer, LocalError> {
    let from = format!("{}/models", base_url.trim_end_matches('/'));
    let answer = get(client, &from).await?;
    if answer.status != 200 {
        return Err(LocalError::Status { from, status: answer.status });
    }
    let list = answer.json.as_ref().and_then(Value::as_object).and_then(|list| list.get("data"));
    // Ollama answers `null` before the first model is pulled.
    let rows = match list {
        Some(Value::Null) => &[][..],
        Some(Value::Array(rows)) => rows.as_slice(),
        _ => return Err(LocalError::NoList { from }),
    };
    let root = root(base_url);
    let mut server =
        LocalServer { kind: Kind::Other, models: plain(rows), gateway: gateway(client, root, &answer, rows).await };
    if server.gateway.is_some() {
        return Ok(server);
    }
    if let Some(models) = ollama::models(client, root).await {
        (server.kind, server.models) = (Kind::Ollama, models);
    } else if let Some(models) = lm_studio::models(client, root).await {
        (server.kind, server.models) = (Kind::LmStudio, models);
    } else if owned_by(rows, "llamacpp") {
        server.kind = Kind::LlamaCpp;
        llama_cpp::describe(client, root, rows, &mut server.models).await;
    } else if owned_by(rows, "vllm") {
        server.kind = Kind::Vllm;
        vllm::describe(rows, &mut server.models);
    }
    server.models.truncate(MOST_MODELS);
    Ok(server)
}

/// What one model's context is, also where the server loads it only when it is first asked: then it is loaded now,
/// which is what the first request of a task would do.
///
/// # Errors
/// As for [`look`].
pub async fn in_force(
    client: &Client,
    base_url: &str,
    server: &LocalServer,
    id: &str,
) -> Result<Option<LocalModel>, LocalError> {
    let Some(known) = server.models.iter().find(|model| model.id == id) else { return Ok(None) };
    if server.kind != Kind::Ollama {
        return Ok(Some(known.clone()));
    }
    Ok(Some(ollama::in_force(client, root(base_url), known).await?))
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::LmStudio => "LM Studio",
            Self::Vllm => "vLLM",
            Self::Other => "a model server",
        }
    }

    /// The command that gives a model this much context. Sources: each server's own documentation (2026-08).
    #[must_use]
    pub fn with_context(self, id: &str, tokens: u64) -> Option<String> {
        let id = crate::base::shell::word(id);
        match self {
            Self::Ollama => Some(format!("OLLAMA_CONTEXT_LENGTH={tokens} ollama serve")),
            Self::LlamaCpp => Some(format!("llama-server -c {tokens}   # with the flags it has now")),
            Self::LmStudio => Some(format!("lms load {id} --context-length {tokens}")),
            Self::Vllm => Some(format!("vllm serve {id} --max-model-len {tokens}   # with the flags it has now")),
            Self::Other => None,
        }
    }
}

/// The models of a list that says no more than their ids.
fn plain(rows: &[Value]) -> Vec<LocalModel> {
    let id = |row: &Value| Some(row.get("id")?.as_str()?.to_owned());
    rows.iter().filter_map(id).filter(|id| is_id(id)).map(|id| LocalModel { id, ..LocalModel::default() }).collect()
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
}

fn owned_by(rows: &[Value], owner: &str) -> bool {
    rows.iter().any(|row| row.get("owned_by").is_some_and(|by| by == owner))
}

/// Vendors that a server of this machine does not belong to: whoever lists their models passes requests on.
const VENDORS: [&str; 8] = ["openai", "anthropic", "google", "azure", "bedrock", "openrouter", "litellm", "vertex_ai"];

/// The vendor whose models a list has, if any.
#[must_use]
pub fn vendor_of(rows: &[Value]) -> Option<String> {
    let owner = |row: &Value| row.get("owned_by").and_then(Value::as_str).map(str::to_ascii_lowercase);
    rows.iter().filter_map(owner).find(|owner| VENDORS.contains(&owner.as_str()))
}

/// The gateway that answers, if it is one: by its headers, by whose models it lists, or by LiteLLM's own page of
/// health. Source: litellm, proxy/health and proxy/response_headers (2026-10); its list gives `owned_by: openai`.
async fn gateway(client: &Client, root: &str, answer: &Answer, rows: &[Value]) -> Option<String> {
    if answer.is_litellm {
        return Some("LiteLLM".to_owned());
    }
    let owner = vendor_of(rows)?;
    let health = get(client, &format!("{root}/health/liveliness")).await.ok();
    let is_litellm = health.is_some_and(|health| health.status == 200 && health.text.contains("I'm alive!"));
    Some(if is_litellm { "LiteLLM".to_owned() } else { format!("a gateway to {owner}'s models") })
}

/// The address without the `/v1` that the chat wire adds.
fn root(base_url: &str) -> &str {
    let base = base_url.trim_end_matches('/');
    base.strip_suffix("/v1").unwrap_or(base)
}

struct Answer {
    status: u16,
    text: String,
    json: Option<Value>,
    is_litellm: bool,
}

impl Answer {
    /// The body of a success.
    fn ok(self) -> Option<Value> {
        self.json.filter(|_| self.status == 200)
    }
}

async fn get(client: &Client, url: &str) -> Result<Answer, NetError> {
    ask(client, url, None).await
}

async fn post(client: &Client, url: &str, body: &Value) -> Result<Answer, NetError> {
    ask(client, url, Some(Bytes::from(body.to_string()))).await
}

async fn ask(client: &Client, url: &str, body: Option<Bytes>) -> Result<Answer, NetError> {
    let headers = [("accept", "application/json".to_owned())];
    let mut response = client.send(Request { url, headers: &headers, credential: None, body }, || {}).await?;
    let is_litellm = ["x-litellm-version", "x-litellm-call-id"].iter().any(|name| response.header(name).is_some());
    let status = response.status();
    let body = response.read_up_to(LARGEST).await;
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status, json: serde_json::from_slice(&body).ok(), text, is_litellm })
}

/// A count of tokens that is one.
fn tokens(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64).filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fix_is_the_servers_own_command() {
        assert_eq!(Kind::Ollama.with_context("qwen3:8b", 65_536).unwrap(), "OLLAMA_CONTEXT_LENGTH=65536 ollama serve");
        assert!(Kind::LlamaCpp.with_context("x", 65_536).unwrap().starts_with("llama-server -c 65536"));
        assert_eq!(Kind::LmStudio.with_context("a b", 8).unwrap(), "lms load 'a b' --context-length 8");
        assert_eq!(Kind::Other.with_context("x", 8), None);
        assert_eq!(root("http://127.0.0.1:1/v1/"), "http://127.0.0.1:1");
    }
}
