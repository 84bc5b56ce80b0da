"""Labelled faces on the user's disk, in the layouts that people have them in."""
