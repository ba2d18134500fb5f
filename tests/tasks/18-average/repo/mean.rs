/// The average, rounded down.
pub fn average(values: &[u8]) -> Option<u8> {
    let sum: u8 = values.iter().sum();
    Some(sum / values.len() as u8)
}
