"""The index: an exact search in memory, rebuilt from the records."""
