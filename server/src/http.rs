//! HTTP as far as it knows nothing of logs: connections, bodies, answers.
//!
//! - `accept`: connections, their limits and their end
//! - `request`: a request as routes see it; `parameters`: its query
//! - `body`: a request's body, bounded behind its decompression
//! - `answer`, `problem`: what is answered
//! - `stream`: answers of any size in constant memory; `events`: server-sent ones

pub mod accept;
pub mod answer;
pub mod body;
pub mod events;
pub mod parameters;
pub mod problem;
pub mod request;
pub mod stream;

pub use answer::{Answer, Body};
pub use parameters::Parameters;
pub use problem::Problem;
pub use request::Call;
