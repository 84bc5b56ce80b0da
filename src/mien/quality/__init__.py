"""Whether a face is good enough for its purpose, and why not."""
