//! A directory that goes with the demo, however the demo ends: at its end, after an error, or by a signal.

use crate::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Removals of a directory into which somebody may still be putting files.
const REMOVALS_MAX: usize = 100;

/// A new directory of the system's for temporary files, removed when it is dropped or the process is asked to end.
pub struct TemporaryDirectory {
    path: PathBuf,
    /// Held while something is made that would bring the directory back, and for good by whoever removes it.
    making: Arc<Mutex<()>>,
}

impl TemporaryDirectory {
    /// Makes one.
    pub fn new() -> Result<TemporaryDirectory, Failure> {
        let mut random = [0; 8];
        let name = getrandom::fill(&mut random)
            .map(|()| format!("sealog-demo-{}", sealog_engine::hex::encode(&random)))
            .map_err(|error| Failure::Impossible(format!("could not draw a random name: {error}")))?;
        let path = std::env::temp_dir().join(name);
        // Before the directory is there: a signal from here on waits for whoever removes it.
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Failure::io("could not wait for signals", &error))?;
        fs::create_dir(&path)
            .map_err(|error| Failure::io(format!("could not create {}", path.display()), &error))?;
        let directory = TemporaryDirectory { path, making: Arc::new(Mutex::new(())) };
        directory.remove_at(signals).map_err(|error| Failure::io("could not start a thread", &error))?;
        Ok(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does what makes directories in it. Does not return once a signal has come.
    pub fn make<T>(&self, make: impl FnOnce(&Path) -> T) -> T {
        let _making = hold(&self.making);
        make(&self.path)
    }

    /// Does not return once a signal has come: what fails while the directory goes is nobody's concern.
    pub fn end_if_interrupted(&self) {
        drop(hold(&self.making));
    }

    /// Waits for a signal in a thread of its own; removes the directory then, and ends the process as the signal would.
    fn remove_at(&self, mut signals: Signals) -> io::Result<()> {
        let (path, making) = (self.path.clone(), Arc::clone(&self.making));
        let wait = move || {
            for signal in signals.forever() {
                // Not given back: whoever asks for it from now on waits for the end.
                let _making = hold(&making);
                remove(&path);
                // It ends the process for each of the three.
                let _ = emulate_default_handler(signal);
            }
        };
        std::thread::Builder::new().name("sealog-demo-signals".to_owned()).spawn(wait).map(drop)
    }
}

/// A panic of whoever held it left nothing half done that matters here.
fn hold(making: &Mutex<()>) -> MutexGuard<'_, ()> {
    making.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Best effort: it lies in the system's directory for temporary files.
fn remove(path: &Path) {
    for _ in 0..REMOVALS_MAX {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            _ => return,
        }
    }
}
