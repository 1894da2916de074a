//! Syslog as senders write it: RFC 5424, the BSD form that RFC 3164 describes, and any other text as it is; in
//! datagrams, or in streams with either framing of RFC 6587.
//!
//! No form has an acknowledgement. A message that is read is never refused for its form: what says nothing that is known
//! is the message as a whole.

mod config;
mod entry;
mod frame;
mod line;
pub mod listen;
mod network;
mod stamp;
mod structured;
mod template;
mod tls;

pub use config::{ConfigError, Protocol, SyslogConfig};
pub use entry::{Decoder, Origin};
pub use frame::{Frame, Framer, MESSAGE_BYTES_MAX};
pub use line::{Line, facility, severity};
pub use network::{Network, NetworkError};
pub use stamp::Stamp;
pub use structured::parameters;
pub use template::{Template, TemplateError};
pub use tls::{TlsError, tls};
