//! Text that is safe to show on a terminal, whatever a program wrote.
//!
//! Pure. Invariants: what comes out has no control characters, no escape sequences, and nothing that turns the direction
//! of writing; other text is unchanged. Not here: widths (`ctl`).

/// Without what a terminal would obey; a tab becomes a blank.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\t' => out.push(' '),
            '\u{1b}' => skip_sequence(&mut chars),
            // XML has no escape character: it came as the one that stands for what cannot be said.
            '\u{fffd}' if chars.peek() == Some(&'[') => skip_sequence(&mut chars),
            '\u{9b}' => skip_until(&mut chars, |c| ('@'..='~').contains(&c)),
            // What turns the direction of writing, and marks that cannot be seen.
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows an ESC: ECMA-48, 5.4 and 5.6.
fn skip_sequence(chars: &mut Chars<'_>) {
    match chars.next_if(|c| !c.is_control()) {
        Some('[') => skip_until(chars, |c| ('@'..='~').contains(&c)),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        // Of two or three characters: intermediates, then one more.
        Some(' '..='/') => skip_until(chars, |c| ('0'..='~').contains(&c)),
        _ => {}
    }
}

/// Up to the end of a control string: BEL, or ST in either form. One that does not end takes nothing with it but itself.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

fn skip_until(chars: &mut Chars<'_>, is_end: fn(char) -> bool) {
    while let Some(c) = chars.next_if(|c| !c.is_control()) {
        if is_end(c) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        for (text, want) in [
            ("plain é 漢字 \u{1f600}", "plain é 漢字 \u{1f600}"),
            ("a\tb\r\n\u{7}c\u{8}", "a bc"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{9b}31mred", "red"),
            ("\u{fffd}[1;31mred\u{fffd}", "red\u{fffd}"),
            ("\u{1b}]0;title\u{7}x\u{1b}]8;;http://x\u{1b}\\link", "xlink"),
            ("\u{1b}(Bx\u{1b}cy\u{1b}7z", "xyz"),
            ("\u{1b}[31\ny", "y"),
            ("\u{202e}evil\u{2066}", "evil"),
            ("end\u{1b}", "end"),
            ("end\u{1b}[", "end"),
        ] {
            assert_eq!(plain(text), want, "{text:?}");
        }
    }
}
