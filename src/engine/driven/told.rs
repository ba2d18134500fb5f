//! A few questions to a plan's program before a task: what its account and its plan are. It is not told of any task.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::child::Child;

/// It asks its service, which may be out of reach; a task does not wait for that.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything the program says until an answer satisfies, or until patience ends: what is there by then.
pub async fn ask(command: Command, questions: &[Value], is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut said = Vec::new();
    let Ok(mut child) = Child::start(command) else { return said };
    let talk = async {
        for question in questions {
            if child.send(question).await.is_err() {
                return;
            }
        }
        while let Ok(Some(value)) = child.next().await {
            let last = is_last(&value);
            said.push(value);
            if last {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, talk).await;
    child.end().await;
    said
}
