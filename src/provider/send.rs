//! One call: one HTTP attempt, the answer decoded as it streams.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::error::{AnswerFacts, CallError};
use super::litellm::Proxied;
use super::outcome::Attempt;
use super::prepare::Prepared;
use super::progress::Progress;
use super::stream::{AnswerStream, Fault, Pulse};
use crate::base::secret::Secret;
use crate::domain::request::{ModelRequest, Reply, StreamEvent};
use crate::net::http::{Client, NetError, Request, Response};

/// How long the connection is read on after the terminal event, so that it can be used again.
const PATIENCE_AFTER_THE_END: Duration = Duration::from_millis(100);

/// A whole answer and what its headers said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub reply: Reply,
    pub facts: AnswerFacts,
}

/// Makes exactly one HTTP attempt and reads the answer to its terminal event. Dropping the future ends the
/// connection; `progress` then says what had happened. `on` is called for display as the answer arrives.
///
/// # Errors
/// Everything short of a whole answer; see [`CallError`].
pub async fn send(
    client: &Client,
    endpoint: &Endpoint,
    secret: Option<&Secret>,
    prepared: &Prepared,
    request: &ModelRequest,
    progress: &Progress,
    on: &mut (dyn FnMut(StreamEvent) + Send),
) -> Result<Answer, CallError> {
    let mut attempt = Attempt::new(secret, progress);
    let leaving = progress.clone();
    let outgoing = Request {
        url: &prepared.url,
        headers: &prepared.headers,
        credential: endpoint.credential(secret),
        body: Some(prepared.body.clone()),
    };
    let sent = client.send(outgoing, move || leaving.mark_sent()).await;
    let mut response = sent.map_err(|e| attempt.no_answer(&e))?;
    attempt.read_headers(&response);
    if !(200..300).contains(&response.status()) {
        return Err(attempt.refused(&mut response).await);
    }
    if !may_stream(&response) {
        return Err(attempt.not_a_stream(&mut response).await);
    }
    let proxied = Proxied::read(&response);
    let mut stream = AnswerStream::new(endpoint.wire, request);
    let broken = read(&mut response, &mut stream, progress, on).await;
    let reply = match broken {
        Some(Broken::Fault(fault)) => Err(attempt.fault(fault)),
        // A time limit or a broken connection after the last word of the answer takes nothing away from it.
        Some(Broken::Net(e)) => stream.finish().map_err(|_| attempt.broke_off(&e)),
        None => stream.finish().map_err(|fault| attempt.fault(fault)),
    };
    let mut reply = reply?;
    if let Some(proxied) = proxied {
        proxied.correct(endpoint.wire, &mut reply);
    }
    Ok(Answer { reply, facts: attempt.facts })
}

/// Some servers name no or another media type; JSON and HTML are surely not a stream.
fn may_stream(response: &Response) -> bool {
    response.media_type().is_none_or(|kind| !kind.contains("json") && !kind.contains("html"))
}

/// How reading ended early.
enum Broken {
    Fault(Fault),
    Net(NetError),
}

/// Reads to the terminal event, or to what ends it early.
async fn read(
    response: &mut Response,
    stream: &mut AnswerStream,
    progress: &Progress,
    on: &mut (dyn FnMut(StreamEvent) + Send),
) -> Option<Broken> {
    let mut events = Vec::new();
    while !stream.ended() {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return None,
            Err(e) => return Some(Broken::Net(e)),
        };
        let pulse = stream.push(&chunk, &mut events);
        progress.update(&stream.partial());
        events.drain(..).for_each(&mut *on);
        match pulse {
            Ok(Pulse::Content) => response.mark_content(),
            Ok(Pulse::Alive) => response.mark_alive(),
            Ok(Pulse::None) => {}
            Err(fault) => return Some(Broken::Fault(fault)),
        }
    }
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    // Whether or not the connection can be used again, the answer is whole.
    let _ = tokio::time::timeout(PATIENCE_AFTER_THE_END, rest).await;
    None
}
