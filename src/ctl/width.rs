//! How many columns a character takes on a terminal.
//!
//! Pure. Roughly wcwidth(3): the ranges that people meet, not every one of Unicode's. Control characters count as none,
//! and whoever prints must not print them. Not here: anything else.

/// What combines with the character before it.
const NARROWEST: [(u32, u32); 8] = [
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x0610, 0x061a),
    (0x064b, 0x065f),
    (0x1ab0, 0x1aff),
    (0x200b, 0x200f),
    (0xfe00, 0xfe0f),
];

/// East Asian wide characters, and emoji.
const WIDE: [(u32, u32); 10] = [
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0xa4cf),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];

/// 0, 1 or 2.
pub(crate) fn width_of(c: char) -> usize {
    let among = |ranges: &[(u32, u32)]| ranges.iter().any(|(a, z)| (*a..=*z).contains(&u32::from(c)));
    if c.is_ascii() {
        usize::from(!c.is_control())
    } else if c.is_control() || among(&NARROWEST) {
        0
    } else {
        1 + usize::from(among(&WIDE))
    }
}

/// Of a text.
pub(crate) fn columns_of(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_terminals_do() {
        for (text, want) in [("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("ｱ", 1), ("😀", 2)]
        {
            assert_eq!(columns_of(text), want, "{text}");
        }
    }
}
