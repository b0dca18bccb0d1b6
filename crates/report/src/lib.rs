//! Tables and exports of the figures.
