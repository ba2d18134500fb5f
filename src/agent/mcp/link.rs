//! One connection to a server: the handshake, what it offers, and calls. Nothing that it asks of vk is done.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, ClientRequest, Implementation,
    ListToolsRequest, PaginatedRequestParams, ProtocolVersion, ServerResult,
};
use rmcp::service::{ClientInitializeError, RoleClient, RunningService, ServiceError};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpClientTransportConfig};
use rmcp::{ClientHandler, ErrorData, service};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::answer::{self, Answer};
use super::failure::Cause;
use super::flood::{Allowance, Counted};
use super::http::Service;
use super::offer::Raw;
use crate::base::secret::Secret;
use crate::net::http::Client;
use crate::sandbox::{NotServed, Process, Program, Sandbox};

/// One message; a larger one is no answer that a model could use.
const LONGEST_LINE: usize = 16 << 20;
/// Pages of a list of tools, and the tools of all pages.
const MOST_PAGES: usize = 50;
const MOST_LISTED: usize = 2_000;
/// For a program that has closed its output to be gone.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// For a server to be told that nobody listens any more.
const FAREWELL: Duration = Duration::from_millis(500);

/// Answers a server's own requests: there is nothing to be had here.
#[derive(Clone, Debug, Default)]
struct Quiet {
    /// The project's folder, for a program on this machine; a service is not told of it.
    root: Option<String>,
    /// Whether it asked for a model's answer.
    sampling: Arc<AtomicBool>,
}

#[allow(deprecated, reason = "sampling and roots are deprecated, and servers ask for them all the same")]
impl ClientHandler for Quiet {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.roots = self.root.as_ref().map(|_| rmcp::model::RootsCapabilities::default());
        ClientConfig::new(capabilities, Implementation::new("vk", env!("CARGO_PKG_VERSION")))
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn list_roots(
        &self,
        _: service::RequestContext<RoleClient>,
    ) -> Result<rmcp::model::ListRootsResult, ErrorData> {
        Ok(rmcp::model::ListRootsResult::new(self.root.iter().map(rmcp::model::Root::new).collect()))
    }

    /// Never: it would spend under the task's payer for what nobody asked.
    async fn create_message(
        &self,
        _: rmcp::model::CreateMessageRequestParams,
        _: service::RequestContext<RoleClient>,
    ) -> Result<rmcp::model::CreateMessageResult, ErrorData> {
        self.sampling.store(true, Ordering::Relaxed);
        Err(ErrorData::method_not_found::<rmcp::model::CreateMessageRequestMethod>())
    }
}

/// A server that answers.
pub(super) struct Link {
    service: RunningService<RoleClient, Quiet>,
    /// Of a server that vk has started.
    process: Option<Process>,
    allowance: Arc<Allowance>,
    refused: Arc<AtomicU16>,
    quiet: Quiet,
}

/// What became of one call.
pub(super) enum Said {
    Answer(Answer),
    /// The server said why not; it can be asked again.
    No(String),
    /// The server is gone, and how.
    Gone(Cause),
}

impl Link {
    /// Starts a program in its sandbox and greets it.
    pub(super) async fn program(
        sandbox: &Arc<Sandbox>,
        program: Program,
        root: &Path,
        limit: Duration,
    ) -> Result<(Self, Vec<Raw>), Cause> {
        let mut process = match sandbox.serve(program).await {
            Ok(process) => process,
            Err(NotServed::Ended(output)) => return Err(Cause::ended(&output)),
            Err(NotServed::Sandbox(error)) => return Err(Cause::Sandbox(error)),
        };
        let (reader, writer) = process.pipes().map_err(|error| Cause::Protocol(error.to_string()))?;
        let root = url::Url::from_directory_path(root).ok().map(String::from);
        let (allowance, quiet) = (Allowance::new(), Quiet { root, ..Quiet::default() });
        let reader = Counted { inner: reader, allowance: Arc::clone(&allowance) };
        let transport = AsyncRwTransport::<RoleClient, _, _>::new(reader, writer).with_max_line_length(LONGEST_LINE);
        let refused = Arc::default();
        let greeted = greet(quiet.clone(), transport, limit).await;
        match greeted {
            Ok((service, tools)) => Ok((Self { service, process: Some(process), allowance, refused, quiet }, tools)),
            Err(_) if allowance.is_passed() => Err(Cause::Flood),
            // What it wrote before it ended says more than that it ended.
            Err(Cause::Closed) => Err(last_words(&mut process).await.unwrap_or(Cause::Closed)),
            Err(Cause::Silent { after, .. }) => {
                // Ended now, it says what it was about.
                Err(Cause::Silent { after, wrote: process_words(process).await })
            }
            Err(cause) => Err(cause),
        }
    }

    /// Greets a service.
    pub(super) async fn service(
        client: &Arc<Client>,
        url: &str,
        secret: Option<Secret>,
        limit: Duration,
    ) -> Result<(Self, Vec<Raw>), Cause> {
        let (allowance, quiet, refused) = (Allowance::new(), Quiet::default(), Arc::<AtomicU16>::default());
        let http = Service {
            client: Arc::clone(client),
            secret,
            allowance: Arc::clone(&allowance),
            refused: Arc::clone(&refused),
        };
        let transport =
            StreamableHttpClientTransport::with_client(http, StreamableHttpClientTransportConfig::with_uri(url));
        match greet(quiet.clone(), transport, limit).await {
            Ok((service, tools)) => Ok((Self { service, process: None, allowance, refused, quiet }, tools)),
            Err(_) if refused.load(Ordering::Relaxed) != 0 => Err(Cause::Refused(refused.load(Ordering::Relaxed))),
            Err(_) if allowance.is_passed() => Err(Cause::Flood),
            Err(cause) => Err(cause),
        }
    }

    /// One call. Dropping the future tells the server that nobody waits for it.
    pub(super) async fn call(&mut self, tool: &str, arguments: Map<String, Value>, limit: Duration) -> Said {
        self.allowance.renew();
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let answered = timeout(limit, self.service.peer().call_tool_once(params)).await;
        match answered {
            Err(_) => Said::No(format!("it gave no answer for {} s and was told to stop", limit.as_secs())),
            Ok(Ok(CallToolResponse::Complete(result))) => Said::Answer(answer::read(&result)),
            Ok(Ok(_)) => Said::No("it asks for more than a call, which vk does not give".to_owned()),
            Ok(Err(ServiceError::McpError(error))) => Said::No(super::text::one_line(&error.message, 2_000)),
            Ok(Err(ServiceError::UnexpectedResponse)) => Said::No("its answer is none of the protocol".to_owned()),
            Ok(Err(_)) if self.allowance.is_passed() => Said::Gone(Cause::Flood),
            Ok(Err(error)) => match &mut self.process {
                Some(process) => Said::Gone(last_words(process).await.unwrap_or(Cause::Closed)),
                None => match self.refused.load(Ordering::Relaxed) {
                    0 => Said::Gone(Cause::Protocol(chain(&error))),
                    status => Said::Gone(Cause::Refused(status)),
                },
            },
        }
    }

    /// Whether nothing can be asked of it any more.
    pub(super) fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.peer().is_transport_closed()
    }

    /// Whether it has asked for a model's answer since this was last asked.
    pub(super) fn wanted_a_model(&self) -> bool {
        self.quiet.sampling.swap(false, Ordering::Relaxed)
    }

    /// Ends it; a program that does not go by itself is made to.
    pub(super) async fn close(mut self) {
        let _ = self.service.close_with_timeout(FAREWELL).await;
    }
}

async fn greet<T>(
    quiet: Quiet,
    transport: T,
    limit: Duration,
) -> Result<(RunningService<RoleClient, Quiet>, Vec<Raw>), Cause>
where
    T: Transport<RoleClient> + 'static,
{
    let talk = async {
        let service = service::serve_client(quiet, transport).await.map_err(|error| greeting(&error))?;
        let info = service.peer().peer_info();
        if let Some(version) = info.as_ref().map(|info| &info.protocol_version)
            && !ProtocolVersion::KNOWN_VERSIONS.contains(version)
        {
            return Err(Cause::Version(super::text::one_line(version.as_str(), 40)));
        }
        let has_tools = info.is_some_and(|info| info.capabilities.tools.is_some());
        let tools = if has_tools { tools(&service).await? } else { Vec::new() };
        Ok((service, tools))
    };
    timeout(limit, talk).await.unwrap_or(Err(Cause::Silent { after: limit, wrote: String::new() }))
}

/// Everything it lists, page by page, read without trust: one odd tool does not hide the others.
async fn tools(service: &RunningService<RoleClient, Quiet>) -> Result<Vec<Raw>, Cause> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let request = ListToolsRequest {
            params: Some(PaginatedRequestParams::default().with_cursor(cursor.clone())),
            ..ListToolsRequest::default()
        };
        let (tools, next) = match service.peer().send_request(ClientRequest::ListToolsRequest(request)).await {
            Ok(ServerResult::ListToolsResult(list)) => {
                (list.tools.iter().filter_map(|tool| serde_json::to_value(tool).ok()).collect(), list.next_cursor)
            }
            Ok(ServerResult::CustomResult(other)) => {
                let tools = other.0["tools"].as_array().cloned();
                let tools = tools.ok_or_else(|| Cause::Protocol("its list of tools is none".to_owned()))?;
                (tools, other.0["nextCursor"].as_str().map(str::to_owned))
            }
            Ok(_) => return Err(Cause::Protocol("its list of tools is none".to_owned())),
            Err(ServiceError::TransportClosed) => return Err(Cause::Closed),
            Err(error) => return Err(Cause::Protocol(chain(&error))),
        };
        all.extend(tools.iter().filter_map(Raw::read));
        all.truncate(MOST_LISTED);
        if next.is_none() || next == cursor || all.len() == MOST_LISTED {
            break;
        }
        cursor = next;
    }
    Ok(all)
}

fn greeting(error: &ClientInitializeError) -> Cause {
    match error {
        ClientInitializeError::ConnectionClosed(_) => Cause::Closed,
        ClientInitializeError::JsonRpcError(error) => Cause::Protocol(error.message.to_string()),
        ClientInitializeError::TransportError { error, .. } => Cause::Protocol(chain(error)),
        _ => Cause::Protocol("its greeting is none of the protocol".to_owned()),
    }
}

/// The innermost cause says what happened; those around it say who was told.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// How a program ended that has closed its output.
async fn last_words(process: &mut Process) -> Option<Cause> {
    let output = timeout(LAST_WORDS, process.ended()).await.ok()?.ok()?;
    Some(Cause::ended(&output))
}

/// Ends a program and gives what it wrote to standard error.
async fn process_words(process: Process) -> String {
    match timeout(LAST_WORDS, process.stop()).await {
        Ok(Ok(output)) => super::failure::errors_of(&output),
        _ => String::new(),
    }
}
