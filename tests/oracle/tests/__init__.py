"""Tests of the oracle's own rules, by small cases worked out by hand from the design."""
