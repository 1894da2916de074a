//! Fixtures and campaigns shared by the suite.
