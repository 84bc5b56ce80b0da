"""The records: people, sealed, in SQLite or PostgreSQL, with their keys apart."""
