//! Work on every core: independent pieces, taken one after the other by whichever thread is free.

use std::sync::Mutex;
use std::sync::PoisonError;

/// As many threads as there are cores.
pub fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does each piece on one of `threads` threads, each with a state of its own; results are in the pieces' order.
pub fn each<P: Send, R: Send, S: Default>(
    threads: usize,
    pieces: impl ExactSizeIterator<Item = P> + Send,
    work: impl Fn(P, &mut S) -> R + Sync,
) -> Vec<R> {
    let threads = threads.min(pieces.len()).max(1);
    if threads == 1 {
        let mut state = S::default();
        return pieces.map(|piece| work(piece, &mut state)).collect();
    }
    let waiting = Mutex::new(pieces.enumerate());
    let run = || {
        let mut state = S::default();
        let mut done = Vec::new();
        loop {
            // A thread that panicked is seen below; what it left is whole.
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, piece)) = next else { return done };
            done.push((index, work(piece, &mut state)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                // A panic is our bug, never a finding: let it be seen.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}
