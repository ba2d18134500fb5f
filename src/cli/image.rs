//! `--image FILE`: read once, told by its bytes and not by its name, and small enough for every provider.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::base::env::Env;
use crate::base::fsx;
use crate::domain::failure::Failure;
use crate::domain::message::Block;

/// Bytes of one file: base64 makes a third more of them, and Anthropic's API takes 5,242,880 in that form (its own error
/// message, anthropics/claude-code issue 14887), the least that is known of the three wires.
const LARGEST: u64 = 3_750_000;
const MOST: usize = 20;

/// # Errors
/// Exit 2: a file that cannot be read, is too large or is no image of a kind that models take.
pub(super) fn read(files: &[String], env: &Env) -> Result<Vec<Block>, Failure> {
    if files.len() > MOST {
        return Err(Failure::usage("too_many_images", format!("a task takes {MOST} images at most")));
    }
    files.iter().map(|file| one(file, env)).collect()
}

fn one(file: &str, env: &Env) -> Result<Block, Failure> {
    let path = env.cwd().join(file);
    let unusable = |why: String| {
        Failure::usage("bad_image", format!("{file} cannot be given to a model"))
            .why(why)
            .fix("vk run --image screenshot.png \"...\"")
    };
    let bytes = fsx::read_bounded(Path::new(&path), LARGEST).map_err(|error| {
        let large = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > LARGEST);
        unusable(if large { format!("it is larger than {} KB", LARGEST / 1_000) } else { error.to_string() })
    })?;
    let media_type = media_type(&bytes).ok_or_else(|| unusable("models take PNG, JPEG, GIF and WebP".to_owned()))?;
    Ok(Block::Image { media_type: media_type.to_owned(), base64: BASE64_STANDARD.encode(&bytes) })
}

/// By the first bytes, as the formats' own documents have them.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_told_by_its_bytes() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0....", Some("image/jpeg")),
            (b"GIF89a....", Some("image/gif")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"<svg xmlns=", None),
            (b"\x89PN", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), kind, "{bytes:?}");
        }
    }
}
