//! Vectors of which there are many: thousands of chains have some each, and what they keep free adds up.

/// Makes room for so many more; where there is none, for an eighth of what is there at least.
#[inline]
pub(crate) fn reserve_lean<T>(own: &mut Vec<T>, count: usize) {
    if own.capacity() - own.len() < count {
        own.reserve_exact(count.max(own.len() / 8 + 4));
    }
}

/// Appends, with room for an eighth more where there is none.
#[inline]
pub(crate) fn push_lean<T>(own: &mut Vec<T>, value: T) {
    reserve_lean(own, 1);
    own.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_free_and_growing_stays_cheap() {
        let (mut own, mut moves) = (Vec::new(), 0);
        for number in 0..10_000_u32 {
            let before = own.capacity();
            push_lean(&mut own, number);
            moves += usize::from(own.capacity() != before);
        }
        assert!(own.capacity() <= own.len() * 9 / 8 + 4 && moves < 100, "{} for {moves}", own.capacity());
        assert!(own.into_iter().eq(0..10_000));
    }
}
