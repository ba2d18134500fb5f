//! `apply_patch` beside codex's own: what codex applies, vk applies with the same bytes. Patches are made at random,
//! with the liberties that models take, and the real program (`@openai/codex` from npm, which `tests/run` installs
//! into `target/tools/npm`) decides what each of them means.

mod generate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use generate::Case;

use crate::run::{OPENAI, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::random::Random;
use crate::support::turn::Turn;

/// Patches in one answer of the model.
const PER_ANSWER: usize = 100;

/// The native program inside the npm package.
fn codex() -> Option<PathBuf> {
    let vendor = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("target/tools/npm/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex");
    vendor.is_file().then_some(vendor)
}

fn write(root: &Path, files: &BTreeMap<String, String>) {
    for (path, content) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// Every file below `root` and its bytes.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What codex makes of a case in a folder of its own; `None` where it refuses the patch.
fn by_codex(program: &Path, case: &Case, root: &Path) -> Option<BTreeMap<String, Vec<u8>>> {
    write(root, &case.files);
    let status = Command::new(program)
        .args(["--codex-run-as-apply-patch", &case.patch])
        .env_clear()
        .env("CODEX_APPLY_PATCH_PRESERVE_LINE_ENDINGS", "1")
        .env("HOME", root)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.success().then(|| tree(&root.join(&case.folder)))
}

/// All cases through one task of the built binary.
fn by_vk(cases: &[Case]) -> Vk {
    let answers = cases.chunks(PER_ANSWER).map(|some| {
        let calls = some.iter().fold(Turn::new(), |turn, case| turn.custom(&case.folder, "apply_patch", &case.patch));
        Script::sse(&calls.responses())
    });
    let provider = Provider::start(answers.chain([Script::sse(&Turn::say("Done.").responses())]));
    let vk = Vk::new().provider("openai", &format!("{}/v1", provider.url()));
    for case in cases {
        write(&vk.project(), &case.files);
    }
    let (ran, _) = report(&vk, &OPENAI, &["--max-cost", "1000", "apply them"]);
    assert_eq!(ran.code, 0, "{ran}");
    vk
}

#[test]
fn what_codex_applies_vk_applies_with_the_same_bytes() {
    compared(200, 0x5eed);
}

#[test]
#[ignore = "minutes: cargo nextest run --run-ignored only patches"]
fn so_it_is_with_thousands() {
    compared(5_000, 0xfeed);
}

#[allow(clippy::print_stdout, reason = "a skipped test, and how much was compared, must be seen")]
fn compared(count: usize, seed: u64) {
    let Some(program) = codex() else {
        println!("skipped: @openai/codex is not installed; tests/run installs it");
        return;
    };
    let mut random = Random::new(seed);
    let cases: Vec<Case> = (0..count).map(|number| Case::make(number, &mut random)).collect();
    let scratch = tempfile::tempdir().unwrap();
    let vk = by_vk(&cases);
    let mut applied = 0;
    let mut different = Vec::new();
    for case in &cases {
        let root = scratch.path().join("root");
        let _ = std::fs::remove_dir_all(&root);
        let Some(expected) = by_codex(&program, case, &root) else { continue };
        applied += 1;
        let got = tree(&vk.project().join(&case.folder));
        if got != expected {
            let text = |tree: &BTreeMap<String, Vec<u8>>| {
                let file =
                    |(name, bytes): (&String, &Vec<u8>)| format!("{name}: {:?}\n", String::from_utf8_lossy(bytes));
                tree.iter().map(file).collect::<Vec<_>>().concat()
            };
            different.push(format!(
                "{}\nbefore:\n{:?}\npatch:\n{}\ncodex:\n{}vk:\n{}",
                case.folder,
                case.files,
                case.patch,
                text(&expected),
                text(&got)
            ));
        }
    }
    println!("{applied} of {count} patches are applied by codex");
    assert!(applied * 3 > count, "too few patches mean anything: {applied} of {count}");
    assert!(different.is_empty(), "{} of {applied} differ; the first:\n{}", different.len(), different[0]);
}
