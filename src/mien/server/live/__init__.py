"""Pictures that a client pushes, and what is seen in them, over one connection."""
