"""Measuring: protocols, error rates with intervals, plots, and the calibrations that decisions rest on."""
