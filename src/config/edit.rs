//! Changing a configuration file that a person wrote: comments, order, blank lines and line ends stay.

use toml_edit::{DocumentMut, Item, Table, TableLike, TomlError, Value};

/// `key = value` to set, or `key` to remove.
pub(super) type Edit<'a> = (&'a str, Option<&'a str>);

/// Applies the edits to a table of the document, made if it is not there; `table` is empty for the top one.
///
/// # Errors
/// When the text is not TOML.
pub(super) fn apply(text: &str, table: &[&str], edits: &[Edit<'_>]) -> Result<String, TomlError> {
    let (mark, body) = text.strip_prefix('\u{feff}').map_or(("", text), |body| ("\u{feff}", body));
    // toml_edit writes line feeds only. A file is taken to have the line ends that most of its lines have.
    let has_returns = body.matches("\r\n").count() * 2 > body.matches('\n').count();
    let body = body.replace("\r\n", "\n");
    let mut document: DocumentMut = body.parse()?;
    let edited = if table.is_empty() && !has_top_keys(&document) {
        let mut keys = DocumentMut::new();
        for edit in edits {
            set(keys.as_table_mut(), edit);
        }
        above_the_tables(&body, &keys.to_string())
    } else if document.is_empty() && !table.is_empty() {
        // A file of comments: they are its heading, and not what follows its first table.
        let mut tables = DocumentMut::new();
        if let Some(inner) = descend(tables.as_table_mut(), table) {
            for edit in edits {
                set(inner, edit);
            }
        }
        let gap = if body.is_empty() || body.ends_with("\n\n") { "" } else { "\n" };
        format!("{body}{gap}{tables}")
    } else {
        if let Some(inner) = descend(document.as_table_mut(), table) {
            for edit in edits {
                set(inner, edit);
            }
        }
        document.to_string()
    };
    let edited = if has_returns { edited.replace('\n', "\r\n") } else { edited };
    Ok(format!("{mark}{edited}"))
}

fn has_top_keys(document: &DocumentMut) -> bool {
    document.iter().any(|(_, item)| item.is_value() || item.as_table().is_some_and(Table::is_dotted))
}

/// Puts the first keys of a file that has none below its heading, and above the first table with the comment that
/// stands right over it. (toml_edit takes every comment for the table's and would put the keys over the heading.)
fn above_the_tables(body: &str, keys: &str) -> String {
    let (mut offset, mut place) = (0, 0);
    for line in body.split_inclusive('\n') {
        offset += line.len();
        match line.trim_start().chars().next() {
            Some('[') => {
                let (heading, tables) = body.split_at(place);
                return format!("{heading}{keys}\n{tables}");
            }
            Some('#') => {}
            _ => place = offset,
        }
    }
    let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
    format!("{body}{end}{keys}")
}

/// The table at `path`; `None` if something that is no table stands in the way, which a reading has then refused.
fn descend<'a>(top: &'a mut Table, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = top;
    for (depth, key) in path.iter().enumerate() {
        if !table.contains_key(key) {
            let mut made = Table::new();
            made.set_implicit(depth + 1 < path.len());
            table.insert(key, Item::Table(made));
        }
        table = table.get_mut(key)?.as_table_like_mut()?;
    }
    Some(table)
}

/// Whether the document has this table.
pub(super) fn has_table(text: &str, table: &[&str]) -> bool {
    let document: Result<DocumentMut, _> = text.trim_start_matches('\u{feff}').parse();
    document.is_ok_and(|document| {
        let mut inner: Option<&dyn TableLike> = Some(document.as_table());
        for key in table {
            inner = inner.and_then(|table| table.get(key)).and_then(Item::as_table_like);
        }
        inner.is_some()
    })
}

fn set(table: &mut dyn TableLike, (key, value): &Edit<'_>) {
    let Some(value) = value else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str() == Some(value) => {}
        Some(old) => {
            let mut new = Value::from(*value);
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, toml_edit::value(*value));
        }
    }
}

#[cfg(test)]
mod tests;
