"""Weights: cards are data, the hash decides, nothing is imported or unpickled."""
