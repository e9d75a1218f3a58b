//! What a ready descriptor means: the typed tokens of the epoll loop.
//!
//! Pure. Invariant: a token carries a generation, so that an event of a descriptor closed in the same turn is not taken
//! for one of its successor's.

/// Who is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// The eventfd of signals.
    Signals,
    /// The socket to the gateway of that generation.
    Gateway { generation: u32 },
    /// A program's output.
    Output { index: u32, generation: u32 },
    /// A blocked sink takes bytes again.
    Sink { index: u32 },
    /// A program has said something by sd_notify; the generation is its incarnation, as below.
    Notify { slot: u32, generation: u32 },
    /// A program has written to its readiness descriptor, or closed it.
    Ready { slot: u32, generation: u32 },
    /// A program reads its stdin again; the generation is its incarnation.
    Stdin { slot: u32, generation: u32 },
    /// A task has said something.
    Task { id: u32 },
    /// Somebody has set the wall clock.
    Clock,
}

const KIND_SHIFT: u32 = 60;
const GENERATION_SHIFT: u32 = 32;
const GENERATION_MASK: u64 = (1 << (KIND_SHIFT - GENERATION_SHIFT)) - 1;

/// Generations are compared after being cut to this many values.
pub(crate) fn cut(generation: u32) -> u32 {
    // The mask leaves 28 bits.
    (u64::from(generation) & GENERATION_MASK) as u32
}

impl Token {
    pub(crate) fn encode(self) -> u64 {
        let (kind, generation, index) = match self {
            Token::Signals => (0u64, 0, 0),
            Token::Gateway { generation } => (1, generation, 0),
            Token::Output { index, generation } => (2, generation, index),
            Token::Sink { index } => (3, 0, index),
            Token::Stdin { slot, generation } => (4, generation, slot),
            Token::Task { id } => (5, 0, id),
            Token::Notify { slot, generation } => (6, generation, slot),
            Token::Ready { slot, generation } => (7, generation, slot),
            Token::Clock => (9, 0, 0),
        };
        kind << KIND_SHIFT | u64::from(cut(generation)) << GENERATION_SHIFT | u64::from(index)
    }

    pub(crate) fn decode(data: u64) -> Option<Token> {
        let generation = ((data >> GENERATION_SHIFT) & GENERATION_MASK) as u32;
        let index = (data & u64::from(u32::MAX)) as u32;
        Some(match data >> KIND_SHIFT {
            0 => Token::Signals,
            1 => Token::Gateway { generation },
            2 => Token::Output { index, generation },
            3 => Token::Sink { index },
            4 => Token::Stdin { slot: index, generation },
            5 => Token::Task { id: index },
            6 => Token::Notify { slot: index, generation },
            7 => Token::Ready { slot: index, generation },
            9 => Token::Clock,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        for token in [
            Token::Signals,
            Token::Gateway { generation: 7 },
            Token::Output { index: u32::MAX, generation: cut(u32::MAX) },
            Token::Sink { index: 3 },
            Token::Stdin { slot: 9, generation: 1 },
            Token::Notify { slot: 9, generation: 1 },
            Token::Ready { slot: 9, generation: 1 },
            Token::Task { id: u32::MAX },
            Token::Clock,
        ] {
            assert_eq!(Token::decode(token.encode()), Some(token));
        }
        assert_eq!(Token::decode(u64::MAX), None);
    }
}
