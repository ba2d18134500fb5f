//! What a case left behind, listed by a script inside the sandbox: every path with its kind and content, and whether
//! the case's own commands succeed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::case::Case;

/// Longer files are listed by their two ends and their SHA-256.
const WHOLE: usize = 1_200;

const LIST: &str = r#"
use strict;
my @open = (".");
while (defined(my $folder = shift @open)) {
    opendir(my $handle, $folder) or next;
    for my $name (sort grep { $_ ne "." && $_ ne ".." } readdir $handle) {
        my $path = "$folder/$name";
        my $shown = unpack "H*", substr $path, 2;
        my $mode = sprintf "%o", (lstat $path)[2];
        if (-l _) { print "l $shown $mode ", unpack("H*", readlink $path), "\n" }
        elsif (-d _) { push @open, $path; print "d $shown $mode\n" }
        elsif (-f _ && (-s _) <= 1200) {
            open(my $file, "<", $path); binmode $file; local $/;
            print "f $shown $mode ", unpack("H*", scalar <$file> // ""), "\n";
        }
        elsif (-f _ && (-s _) > 1 << 26) { print "f $shown $mode ", unpack("H*", (-s _)), "\n" }
        elsif (-f _) { open(my $sum, "-|", "sha256sum", "--", $path); print "s $shown $mode ", substr(<$sum>, 0, 64), "\n" }
        else { print "o $shown $mode\n" }
    }
}
"#;

/// A script that lists the tree under a name and tries the checks.
pub fn script(when: &str, number: usize, checks: &[String]) -> String {
    let mut script = format!("echo {when} {number}\n");
    for check in checks {
        let _ = writeln!(script, "( {check}\n) >/dev/null 2>&1 && echo yes || echo no");
    }
    script + "perl - <<'END_OF_LIST'\n" + LIST + "END_OF_LIST\n"
}

#[derive(Debug, Default)]
pub struct Listing {
    checks: Vec<bool>,
    /// Everything there is, each with its mode and content.
    lines: Vec<String>,
    /// Text files by their content, long ones by their sum.
    files: BTreeMap<String, Vec<u8>>,
    sums: BTreeMap<String, String>,
}

impl Listing {
    /// Every listing by its name: `before 3`, `after 3`. What cannot be read is left out.
    pub fn read_all(texts: &[String]) -> BTreeMap<String, Self> {
        let mut all = BTreeMap::new();
        let mut open = None;
        for line in texts.iter().flat_map(|text| text.lines()) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["before" | "after", _] = words[..] {
                open = Some(line.to_owned());
                all.insert(line.to_owned(), Self::default());
                continue;
            }
            let Some(listing) = open.as_ref().and_then(|name| all.get_mut(name)) else { continue };
            match words[..] {
                ["yes"] => listing.checks.push(true),
                ["no"] => listing.checks.push(false),
                ["f", path, _, content] => drop(listing.files.insert(name(path), unhex(content))),
                ["s", path, _, sum] => drop(listing.sums.insert(name(path), sum.to_owned())),
                ["l" | "d" | "o", ..] => {}
                ["[exit", "0]"] => {
                    open = None;
                    continue;
                }
                // Half a listing is none.
                _ => {
                    all.remove(&open.take().unwrap_or_default());
                    continue;
                }
            }
            if words.len() > 1 {
                listing.lines.push(line.to_owned());
            }
        }
        all
    }

    /// Where the tree is not as the case says, which began with that one.
    pub fn differs(&self, case: &Case, before: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        for (check, yes) in case.checks.iter().zip(&self.checks) {
            if !yes {
                faults.push(format!("not so: {check}"));
            }
        }
        if self.checks.len() != case.checks.len() {
            faults.push("not every check was made".to_owned());
        }
        let Some(expected) = &case.expect else {
            let gone = before.lines.iter().filter(|line| !self.lines.contains(line));
            let new = self.lines.iter().filter(|line| !before.lines.contains(line));
            faults.extend(gone.map(|line| format!("was {line}")).chain(new.map(|line| format!("is now {line}"))));
            return faults;
        };
        for (path, text) in expected {
            if text.len() > WHOLE {
                if self.sums.get(path) != Some(&sha256(text.as_bytes())) {
                    faults.push(format!("{path} is not the {} bytes it should be", text.len()));
                }
                continue;
            }
            match self.files.get(path) {
                Some(bytes) if bytes == text.as_bytes() => {}
                Some(bytes) => {
                    faults.push(format!("{path} is  {:?}\n  and not {text:?}", String::from_utf8_lossy(bytes)));
                }
                None => faults.push(format!("{path} is missing, or long")),
            }
        }
        for path in self.files.keys().chain(self.sums.keys()).filter(|path| !expected.contains_key(*path)) {
            faults.push(format!("{path} should not be there"));
        }
        faults
    }
}

fn name(hex: &str) -> String {
    String::from_utf8_lossy(&unhex(hex)).into_owned()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
