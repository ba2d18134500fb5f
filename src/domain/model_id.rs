//! Whether two ids name one model. An answer names the model that wrote it as the provider's own software does: with
//! a date where an alias was asked for, without the vendor before it, with dashes for dots.

/// Whether `answered` is `asked` under another spelling. Versions are never ignored: `claude-opus-4` is not
/// `claude-opus-4-1`, and two dates are two models.
#[must_use]
pub fn same(asked: &str, answered: &str) -> bool {
    let (asked, answered) = (spelled(asked), spelled(answered));
    let ((asked, one), (answered, other)) = (undated(&asked), undated(&answered));
    asked == answered && (one.is_none() || other.is_none() || one == other)
}

/// Without the vendor before the last slash and the offer after the colon (`:free`), with dashes for dots.
fn spelled(id: &str) -> String {
    let id = id.rsplit('/').next().unwrap_or(id);
    let id = id.split([':', '@']).next().unwrap_or(id);
    id.to_ascii_lowercase().replace(['.', '_'], "-")
}

/// An id and the snapshot that it ends with: `-20251101`, `-2026-08-07`, `-2512`, `-08-06`, `-001`; `latest` and
/// `preview` name none.
fn undated(id: &str) -> (&str, Option<&str>) {
    let open = ["-latest", "-preview"].iter().find_map(|word| id.strip_suffix(word));
    let (id, is_open) = open.map_or((id, false), |id| (id, true));
    let snapshot = [&[8][..], &[4, 2, 2], &[4], &[2, 2, 4], &[2, 2], &[3]].into_iter().find_map(|lengths| {
        let length = lengths.iter().sum::<usize>() + lengths.len();
        let (name, date) = id.split_at_checked(id.len().checked_sub(length)?)?;
        let mut parts = date.strip_prefix('-')?.split('-');
        let fits = |length: &usize| parts.next().is_some_and(|part| part.len() == *length && is_number(part));
        lengths.iter().all(fits).then_some((name, Some(&date[1..])))
    });
    let (name, date) = snapshot.unwrap_or((id, None));
    (name.strip_suffix("-preview").unwrap_or(name), date.filter(|_| !is_open))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::same;
    use proptest::prelude::*;

    #[test]
    fn other_spellings_are_the_same_model() {
        for (asked, answered) in [
            ("claude-sonnet-5-5", "claude-sonnet-5-5"),
            ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
            ("anthropic/claude-sonnet-5.5", "claude-sonnet-5-5"),
            ("gpt-6.2-sol", "gpt-6.2-sol-2026-11-17"),
            ("openai/gpt-oss-120b:free", "openai/gpt-oss-120b"),
            ("gpt-oss-120b", "openai/gpt-oss-120b"),
            ("mistral-large-latest", "mistral-large-2512"),
            ("gemini-3.5-pro", "gemini-3.5-pro-preview-06-05"),
            ("gemini-3-flash", "gemini-3-flash-001"),
            ("claude-opus-4-5@20251101", "claude-opus-4-5-20251101"),
            ("grok-4", "grok-4-0709"),
            ("DeepSeek-V4", "deepseek-v4"),
        ] {
            assert!(same(asked, answered), "{asked} {answered}");
            assert!(same(answered, asked), "{answered} {asked}");
        }
    }

    #[test]
    fn another_model_is_another_model() {
        for (asked, answered) in [
            ("claude-opus-4", "claude-opus-4-1"),
            ("claude-opus-4-5", "claude-opus-5-5"),
            ("claude-sonnet-5-5", "claude-haiku-5-5"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20251101"),
            ("gpt-6.2-sol", "gpt-6.1-sol"),
            ("gpt-5.4", "gpt-5.4-mini"),
            ("gpt-5.4-mini", "gpt-5.4"),
            ("deepseek-v4-pro", "deepseek-flash"),
            ("anthropic/claude-opus-5.5", "openai/gpt-5.5"),
            ("kimi-k2", ""),
        ] {
            assert!(!same(asked, answered), "{asked} {answered}");
            assert!(!same(answered, asked), "{answered} {asked}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(asked in ".{0,40}", answered in ".{0,40}") {
            prop_assert!(same(&asked, &asked));
            prop_assert_eq!(same(&asked, &answered), same(&answered, &asked));
        }
    }
}
