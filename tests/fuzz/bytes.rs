//! Decisions out of bytes: a structured case is its bytes, so it can be kept, shrunk and replayed like a text.

/// Reads decisions; when the bytes are over, every decision is the first one.
#[derive(Debug)]
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `n`, which is at most 256.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of them; `from` is not empty and has at most 256.
    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// At most `n` bytes as they are.
    pub(crate) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A short text, now and then with what texts are broken by.
    pub(crate) fn text(&mut self) -> String {
        const ODD: [&str; 20] = [
            "",
            " ",
            "\t",
            "\n",
            "\r\n",
            "\r",
            "<",
            "]]>",
            "&amp;",
            "&",
            "\"",
            "'",
            "\0",
            "\u{1}",
            "\u{1b}[31m",
            "ü",
            "日本",
            "\u{fffe}",
            "\u{10ffff}",
            "web:*",
        ];
        let mut text = String::new();
        for _ in 0..self.below(6) {
            match self.byte() {
                n @ 0..=127 => text.push(char::from(n)),
                n => text.push_str(ODD[usize::from(n) % ODD.len()]),
            }
        }
        text
    }
}
