"""What a face shows: apparent expression on one still face. Never a claim about what the person feels."""
