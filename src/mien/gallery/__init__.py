"""People on record: who was enrolled, with what consent, and how they are found again and forgotten."""
