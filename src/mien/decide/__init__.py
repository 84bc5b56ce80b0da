"""Scores into decisions: at an error rate that was asked for, with the calibration that it rests on."""
