"""Inference engines: a model's bytes in, arrays out. No stage knows which engine runs it."""
