//! The six severity classes of OpenTelemetry, and the names producers use for them.

use std::fmt;

/// How grave an entry is: the classes of the OpenTelemetry log data model ("Severity Fields"), lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// Finest detail.
    Trace = 1,
    /// For those who mend the program.
    Debug = 2,
    /// Normal events; what an entry has that names none.
    #[default]
    Information = 3,
    /// Completed, with issues or in need of attention.
    Warning = 4,
    /// Failed.
    Error = 5,
    /// Failed, and took the service with it.
    Fatal = 6,
}

impl Severity {
    /// All classes, lowest first.
    pub const ALL: [Severity; 6] = [
        Severity::Trace,
        Severity::Debug,
        Severity::Information,
        Severity::Warning,
        Severity::Error,
        Severity::Fatal,
    ];

    /// What `parse` accepts, for messages.
    pub const EXPECTED: &'static str = "one of trace, debug, information, warning, error, fatal";

    /// The class's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Trace => "trace",
            Severity::Debug => "debug",
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        }
    }

    /// The class that `name` or one of its aliases names, in any letter case.
    pub fn parse(name: &str) -> Option<Severity> {
        // Producers nearly always send the plain lower-case name.
        if let Some(severity) = Severity::ALL.into_iter().find(|severity| severity.name() == name) {
            return Some(severity);
        }
        const NAMES: [(&str, Severity); 17] = [
            ("trace", Severity::Trace),
            ("debug", Severity::Debug),
            ("information", Severity::Information),
            ("informational", Severity::Information),
            ("info", Severity::Information),
            ("notice", Severity::Information),
            ("warning", Severity::Warning),
            ("warn", Severity::Warning),
            ("error", Severity::Error),
            ("err", Severity::Error),
            ("fatal", Severity::Fatal),
            ("crit", Severity::Fatal),
            ("critical", Severity::Fatal),
            ("alert", Severity::Fatal),
            ("emerg", Severity::Fatal),
            ("emergency", Severity::Fatal),
            ("panic", Severity::Fatal),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, severity)| *severity)
    }

    /// The class with this number in a record, 1..=6.
    pub fn from_class(class: u64) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| u64::from(severity.class()) == class)
    }

    /// The class's number in a record, 1..=6.
    pub const fn class(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_in_any_case() {
        for (name, severity) in [
            ("NOTICE", Severity::Information),
            ("Info", Severity::Information),
            ("WARN", Severity::Warning),
            ("err", Severity::Error),
            ("Crit", Severity::Fatal),
            ("panic", Severity::Fatal),
            ("emergency", Severity::Fatal),
            ("alert", Severity::Fatal),
            ("TRACE", Severity::Trace),
        ] {
            assert_eq!(Severity::parse(name), Some(severity), "{name}");
        }
        assert_eq!(Severity::parse("verbose"), None);
        assert_eq!(Severity::parse(""), None);
    }

    #[test]
    fn class_numbers_round_trip() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_class(u64::from(severity.class())), Some(severity));
        }
        assert_eq!(Severity::from_class(0), None);
        assert_eq!(Severity::from_class(7), None);
    }
}
