//! Every figure as a pure function of the records.
