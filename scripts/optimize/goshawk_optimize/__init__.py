"""Quantizes and rewrites detectors behind a line protocol; `goshawk optimize` decides what to try."""
