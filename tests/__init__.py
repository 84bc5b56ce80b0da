"""A package, so that folders in it can be packages too (see tests/console)."""
