//! Tasks, their data sets and prompts, and the marks an answer gets.
