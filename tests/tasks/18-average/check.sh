set -eu
cat > check.rs <<'END'
#[path = "mean.rs"]
mod mean;
fn main() {
    assert_eq!(mean::average(&[]), None);
    assert_eq!(mean::average(&[255, 255, 255]), Some(255));
    assert_eq!(mean::average(&vec![7; 100_000]), Some(7));
    assert_eq!(mean::average(&[1, 2]), Some(1));
}
END
rustc --edition 2021 -o check check.rs && ./check
