"""What the service itself remembers, in one encrypted SQLite file."""
