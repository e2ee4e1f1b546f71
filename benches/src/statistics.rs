//! Medians and means.

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.len() {
        0 => 0,
        size if size % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2,
    }
}

/// Of none, there is none.
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// The median ratio of others to own.
pub(crate) fn median_ratio(pairs: impl Iterator<Item = (i64, i64)>) -> f64 {
    let mut ratios: Vec<f64> = pairs.map(|(own, other)| other as f64 / own as f64).collect();
    ratios.sort_by(f64::total_cmp);
    match ratios.len() {
        0 => f64::NAN,
        size => (ratios[(size - 1) / 2] + ratios[size / 2]) / 2.0,
    }
}
