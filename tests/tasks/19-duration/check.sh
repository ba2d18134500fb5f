set -eu
cat > check.rs <<'END'
#[path = "duration.rs"]
mod duration;
fn main() {
    for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1h5m3s", 3903), ("0s", 0), ("2h", 7200)] {
        assert_eq!(duration::parse(text), Some(seconds), "{text}");
    }
    for wrong in ["", "5", "m", "1m1h", "1h1h", "-1s", "1.5h", "1 h", "99999999999999999999s", "18446744073709551615h"] {
        assert_eq!(duration::parse(wrong), None, "{wrong}");
    }
}
END
rustc --edition 2021 -o check check.rs && ./check
