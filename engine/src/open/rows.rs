//! One tenant's rows: ascending numbers and not a bitmap, because a row costs one store, and appends come in the order of
//! time. A quiet tenant has a few rows in an open segment, and takes no memory of their own for them.

/// Rows that need no memory of their own.
const FEW: usize = 3;

/// Ascending numbers of rows.
#[derive(Debug)]
pub(crate) enum Rows {
    Few { count: u32, rows: [u32; FEW] },
    Many(Vec<u32>),
}

const _: () = assert!(size_of::<Rows>() <= 24);

impl Default for Rows {
    fn default() -> Rows {
        Rows::Few { count: 0, rows: [0; FEW] }
    }
}

impl Rows {
    /// The rows.
    #[inline]
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Rows::Few { count, rows } => &rows[..*count as usize],
            Rows::Many(rows) => rows,
        }
    }

    /// Adds a row behind all others.
    #[inline]
    pub fn push(&mut self, row: u32) {
        match self {
            Rows::Many(rows) => rows.push(row),
            Rows::Few { count, rows } if (*count as usize) < FEW => {
                rows[*count as usize] = row;
                *count += 1;
            }
            Rows::Few { rows, .. } => {
                let mut many = Vec::with_capacity(2 * FEW + 2);
                many.extend_from_slice(rows);
                many.push(row);
                *self = Rows::Many(many);
            }
        }
    }

    /// Lets rows below `count` go, and numbers the others from there.
    pub fn release(&mut self, count: u32) {
        let own = self.as_slice();
        let kept = &own[own.partition_point(|row| *row < count)..];
        let mut rows =
            if kept.len() > FEW { Rows::Many(Vec::with_capacity(kept.len())) } else { Rows::default() };
        kept.iter().for_each(|row| rows.push(row - count));
        *self = rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_in_order_however_many_there_are() {
        for total in 0..12_u32 {
            for leaving in 0..=total * 2 {
                let mut rows = Rows::default();
                (0..total).for_each(|row| rows.push(row * 2));
                let all: Vec<u32> = (0..total).map(|row| row * 2).collect();
                assert_eq!(rows.as_slice(), all);
                rows.release(leaving);
                let kept: Vec<u32> =
                    all.iter().filter(|row| **row >= leaving).map(|row| row - leaving).collect();
                assert_eq!(rows.as_slice(), kept, "{total} without {leaving}");
                assert_eq!(matches!(rows, Rows::Few { .. }), kept.len() <= FEW);
            }
        }
    }
}
