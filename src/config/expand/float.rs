//! Whole numbers as Python's `%e`, `%f` and `%g` show them.
//!
//! Pure. Without floating point: the digits of a whole number are known, and rounding is half to even. Not here: signs,
//! padding and capital letters (`expand`).

/// The digits of `n` without its sign; `form` is `e`, `f` or `g`.
pub(super) fn format(n: i64, form: char, precision: usize, alternate: bool) -> String {
    // What a double can hold of it.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let digits = (n.unsigned_abs() as f64 as u128).to_string();
    match form {
        'f' => with_fraction(digits, precision, alternate),
        'e' => {
            let (digits, exponent) = rounded(&digits, precision + 1);
            scientific(&digits, exponent, alternate)
        }
        _ => {
            let precision = precision.max(1);
            let (rounded, exponent) = rounded(&digits, precision);
            if exponent < precision {
                let fraction = if alternate { precision - 1 - exponent } else { 0 };
                with_fraction(digits, fraction, alternate)
            } else if alternate {
                scientific(&rounded, exponent, true)
            } else {
                let kept = rounded.trim_end_matches('0');
                scientific(if kept.is_empty() { "0" } else { kept }, exponent, false)
            }
        }
    }
}

fn with_fraction(digits: String, zeros: usize, alternate: bool) -> String {
    let point = if zeros > 0 || alternate { "." } else { "" };
    digits + point + &"0".repeat(zeros)
}

fn scientific(digits: &str, exponent: usize, alternate: bool) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() && !alternate { "" } else { "." };
    format!("{first}{point}{rest}e+{exponent:02}")
}

/// So many digits, and the power of ten of the first one.
fn rounded(digits: &str, wanted: usize) -> (String, usize) {
    let exponent = digits.len() - 1;
    if digits.len() <= wanted {
        return (format!("{digits:0<wanted$}"), exponent);
    }
    let (kept, rest) = digits.split_at(wanted);
    let half = format!("{:0<width$}", "5", width = rest.len());
    let is_odd = kept.ends_with(['1', '3', '5', '7', '9']);
    if rest < half.as_str() || (rest == half && !is_odd) {
        return (kept.to_owned(), exponent);
    }
    let up = (kept.parse::<u128>().unwrap_or(0) + 1).to_string();
    // 999 becomes 1000: one digit too many.
    if up.len() > wanted { (up[..wanted].to_owned(), exponent + 1) } else { (up, exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_shown_as_python_shows_them() {
        for (n, form, precision, want) in [
            (7, 'e', 6, "7.000000e+00"),
            (0, 'e', 2, "0.00e+00"),
            (12345, 'e', 2, "1.23e+04"),
            (9995, 'e', 2, "1.00e+04"),
            (25, 'e', 0, "2e+01"),
            (35, 'e', 0, "4e+01"),
            (7, 'f', 0, "7"),
            (-7, 'f', 2, "7.00"),
            (0, 'g', 6, "0"),
            (1_234_567, 'g', 6, "1.23457e+06"),
            (9_999_999, 'g', 6, "1e+07"),
            (100_000, 'g', 6, "100000"),
            (30, 'g', 0, "3e+01"),
        ] {
            assert_eq!(format(n, form, precision, false), want, "{n} {form} {precision}");
        }
        assert_eq!(format(7, 'g', 6, true), "7.00000");
        assert_eq!(format(7, 'f', 0, true), "7.");
    }
}
