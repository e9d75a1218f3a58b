//! A byte stream that can be told whole from damaged: numbered lines, and a checksum.

/// The first `n` bytes of the pattern: lines of 64 bytes, each with its number. The last one may be cut.
#[must_use]
pub fn bytes(n: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(n + 64);
    let mut line = 0u64;
    while out.len() < n {
        out.extend_from_slice(
            format!("{line:012} {:050}\n", line.wrapping_mul(0x9E37_79B9_7F4A_7C15)).as_bytes(),
        );
        line += 1;
    }
    out.truncate(n);
    out
}

/// FNV-1a, 64 bits.
#[must_use]
pub fn checksum(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_lines_of_64_bytes_and_a_longer_one_begins_with_a_shorter_one() {
        let long = bytes(6400);
        assert_eq!(long.split(|b| *b == b'\n').next().map(<[u8]>::len), Some(63));
        assert!(long.starts_with(&bytes(100)));
        assert_ne!(checksum(&long[..100]), checksum(&long[..101]));
    }
}
