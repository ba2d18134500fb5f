//! What a tool of a server answered, as the model gets it: text bounded, images as images, everything else by its name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use super::text::{one_line, visible};
use crate::domain::message::Block;

/// Bytes of text of one answer, half from each end: as much as of a command.
const MOST_TEXT: usize = 16 * 1024;
/// Images of one answer, and the bytes of each as base64: what Anthropic takes of one (5 MB, docs "Vision", 2026-11).
const MOST_IMAGES: usize = 4;
const LARGEST_IMAGE: usize = 5_000_000;
/// The kinds of image that every provider with images takes.
const IMAGES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) images: Vec<Block>,
    pub(super) is_error: bool,
}

pub(super) fn read(result: &CallToolResult) -> Answer {
    let mut answer = Answer { is_error: result.is_error == Some(true), ..Answer::default() };
    let mut parts = Vec::new();
    for block in &result.content {
        parts.push(match block {
            ContentBlock::Text(text) => visible(&text.text),
            ContentBlock::Image(image) => picture(&mut answer, &image.mime_type, &image.data),
            ContentBlock::Audio(audio) => {
                format!("[audio, {}, {} bytes as base64, not shown]", one_line(&audio.mime_type, 60), audio.data.len())
            }
            ContentBlock::Resource(resource) => match &resource.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    format!("[resource {}]\n{}", one_line(uri, 300), visible(text))
                }
                ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                    let kind = one_line(mime_type.as_deref().unwrap_or("of no known kind"), 60);
                    format!("[resource {}, {kind}, {} bytes as base64, not shown]", one_line(uri, 300), blob.len())
                }
                _ => "[a resource that vk does not know]".to_owned(),
            },
            ContentBlock::ResourceLink(link) => {
                let about = link.description.as_deref().or(link.title.as_deref()).unwrap_or_default();
                let about = if about.is_empty() { String::new() } else { format!(": {}", one_line(about, 300)) };
                format!("[resource {} at {}{about}]", one_line(&link.name, 100), one_line(&link.uri, 300))
            }
            _ => "[something that vk does not know]".to_owned(),
        });
    }
    // Servers say the same in words beside it (MCP 2025-11-25, "Structured content"); where they do not, it is all.
    if let Some(structured) = &result.structured_content
        && !result.content.iter().any(|block| matches!(block, ContentBlock::Text(_)))
    {
        parts.push(visible(&structured.to_string()));
    }
    answer.text = bounded(&parts.join("\n"));
    answer
}

/// Puts an image with the answer, where it is one that can be shown; what is said in its place.
fn picture(answer: &mut Answer, kind: &str, base64: &str) -> String {
    let shown = one_line(kind, 60);
    let is_known = IMAGES.contains(&kind) && base64.len() <= LARGEST_IMAGE && STANDARD.decode(base64).is_ok();
    if !is_known || answer.images.len() >= MOST_IMAGES {
        return format!("[an image, {shown}, {} bytes as base64, not shown]", base64.len());
    }
    answer.images.push(Block::Image { media_type: kind.to_owned(), base64: base64.to_owned() });
    format!("[image {}, {shown}: it follows]", answer.images.len())
}

/// The two ends of a text that is too long.
fn bounded(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let head = &text[..text.floor_char_boundary(MOST_TEXT / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - MOST_TEXT / 2)..];
    let left_out = text.len() - head.len() - tail.len();
    format!("{head}\n[{left_out} bytes left out here; ask the tool for less to see them]\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(result: Value) -> Answer {
        read(&serde_json::from_value(result).unwrap())
    }

    #[test]
    fn every_kind_of_content_is_shown_or_named() {
        let answer = of(json!({"isError": true, "structuredContent": {"n": 1}, "content": [
            {"type": "text", "text": "Sunny\u{1b}[8m"},
            {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"},
            {"type": "image", "data": "not base64!", "mimeType": "image/png"},
            {"type": "image", "data": "AAAA", "mimeType": "image/svg+xml"},
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            {"type": "resource_link", "uri": "file:///a", "name": "a", "description": "the\nfile"},
            {"type": "resource", "resource": {"uri": "demo://1", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "demo://2", "mimeType": "application/pdf", "blob": "AAAA"}},
        ]}));
        insta::assert_snapshot!(answer.text, @r"
        Sunny
        [image 1, image/png: it follows]
        [an image, image/png, 11 bytes as base64, not shown]
        [an image, image/svg+xml, 4 bytes as base64, not shown]
        [audio, audio/wav, 4 bytes as base64, not shown]
        [resource a at file:///a: the file]
        [resource demo://1]
        inside
        [resource demo://2, application/pdf, 4 bytes as base64, not shown]
        ");
        assert!(answer.is_error && answer.images.len() == 1);
    }

    #[test]
    fn structured_content_stands_in_for_words() {
        assert_eq!(of(json!({"content": [], "structuredContent": {"n": 1}})).text, r#"{"n":1}"#);
    }

    #[test]
    fn a_long_answer_keeps_both_ends() {
        let answer = of(json!({"content": [{"type": "text", "text": format!("a{}z", "é".repeat(40_000))}]}));
        assert!(answer.text.len() < MOST_TEXT + 100 && answer.text.starts_with("aé") && answer.text.ends_with("éz"));
        assert!(answer.text.contains("bytes left out here"));
    }
}
