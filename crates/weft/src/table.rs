//! Tables for people: columns as wide as they need to be, numbers to the right.

/// Lays rows out under their header. Every row must have as many cells as the header; the first
/// column is text, the others are numbers.
pub fn lay_out(header: &[&str], rows: &[Vec<String>]) -> String {
    let left: Vec<bool> = (0..header.len()).map(|column| column == 0).collect();
    lay_out_columns(header, &left, rows)
}

/// Lays rows out under their header, the columns that are `left` to the left. Every row must have as
/// many cells as the header.
pub fn lay_out_columns(header: &[&str], left: &[bool], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| match left[column] {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            })
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A number for a table: as many digits after the point as make three or more significant ones.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.01 => format!("{value:.3}"),
        size if size >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

/// A whole number with a comma between each three digits.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_weight() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(27_728.0, "27,728");
        check(198.08, "198");
        check(17.5, "17.5");
        check(5.004, "5.00");
        check(0.0702, "0.070");
        check(0.005_21, "0.0052");
        check(0.000_07, "7.0e-5");
        check(-1_234_567.0, "-1,234,567");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["none".to_owned(), "1".to_owned()], vec!["a".to_owned(), "22".to_owned()]];
        assert_eq!(lay_out(&["policy", "n"], &rows), "policy   n\nnone     1\na       22\n");
    }
}
