"""Sequence models: making sequences, training on features over time, export. Needs Keras."""
