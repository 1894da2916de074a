//! Where the engine is called: on blocking threads, of which each kind of work has only so many.
//!
//! Appends wait for a sync together, so there are many of them; reads cost a core each, so there are few, and of one key
//! fewer, so that nobody's reports keep another's page from opening.

use crate::config::Limits;
use crate::http::Problem;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who may use blocking threads.
pub struct Work {
    appends: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    reads: Arc<Semaphore>,
    reads_by_key: Mutex<HashMap<String, Arc<Semaphore>>>,
    reads_per_key: usize,
    tails: Arc<Semaphore>,
    verifying: Arc<Semaphore>,
    patience: Duration,
}

/// A turn to read.
pub struct ReadPermit {
    _of_key: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Keys whose turns are remembered; they are forgotten while nobody waits for one.
const KEYS_MAX: usize = 1_000;

impl Work {
    /// As many as there may be.
    pub fn new(limits: &Limits) -> Work {
        let of = |count| Arc::new(Semaphore::new(count));
        Work {
            appends: of(limits.appends),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.appends_waiting,
            reads: of(limits.reads),
            reads_by_key: Mutex::default(),
            reads_per_key: limits.reads_per_key,
            tails: of(limits.tails),
            verifying: of(1),
            patience: Duration::from_secs(limits.wait_seconds),
        }
    }

    /// Blocking threads that all of it may take at once: reads and appends, one verification, and what routes do beside.
    pub fn threads(limits: &Limits) -> usize {
        limits.appends + limits.reads + 8
    }

    /// How many appends wait for their turn.
    pub fn appends_waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Does what appends, in its turn.
    ///
    /// # Errors
    /// 503 where too many wait already.
    pub async fn append<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = match Arc::clone(&self.appends).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = self.wait()?;
                Arc::clone(&self.appends).acquire_owned().await.map_err(|_| stopping())?
            }
        };
        run(permit, work).await
    }

    fn wait(&self) -> Result<Waiting<'_>, Problem> {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            return Err(Problem::overload("too many appends wait already; try again"));
        }
        Ok(waiting)
    }

    /// A turn to read, for the holder of a key.
    ///
    /// # Errors
    /// 503 where the turn does not come in time.
    pub async fn turn(&self, key: &str) -> Result<ReadPermit, Problem> {
        let of_key = {
            let mut by_key = self.reads_by_key.lock();
            if by_key.len() >= KEYS_MAX {
                by_key.retain(|_, own| Arc::strong_count(own) > 1);
            }
            let new = || Arc::new(Semaphore::new(self.reads_per_key));
            Arc::clone(by_key.entry(key.to_owned()).or_insert_with(new))
        };
        let both = async {
            let of_key = of_key.acquire_owned().await.map_err(|_| stopping())?;
            let of_all = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| stopping())?;
            Ok(ReadPermit { _of_key: of_key, _of_all: of_all })
        };
        let late = |_| Problem::overload("too many reads are under way; try again");
        tokio::time::timeout(self.patience, both).await.map_err(late)?
    }

    /// Does what reads, in its turn.
    ///
    /// # Errors
    /// 503 where the turn does not come in time.
    pub async fn read<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        run(self.turn(key).await?, work).await
    }

    /// Room for somebody who follows the log.
    ///
    /// # Errors
    /// 503 where there is none.
    pub fn tail(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let full = |_| Problem::overload("as many follow the log as may").retry_after(30);
        Arc::clone(&self.tails).try_acquire_owned().map_err(full)
    }

    /// The right to verify the store.
    ///
    /// # Errors
    /// 503 while somebody does.
    pub fn verify(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy =
            |_| Problem::overload("a verification is under way; try again when it is done").retry_after(10);
        Arc::clone(&self.verifying).try_acquire_owned().map_err(busy)
    }
}

struct Waiting<'w>(&'w AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Does work on a blocking thread; the permit goes with it, also where nobody waits for it any more.
pub async fn run<T: Send + 'static>(
    permit: impl Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    let failed =
        |_| Problem::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "this request met a bug of the server");
    done.await.map_err(failed)
}

fn stopping() -> Problem {
    Problem::overload("the server stops").retry_after(5)
}
