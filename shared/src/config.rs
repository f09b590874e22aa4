//! Every setting, parsed once, with the reason for its default.
