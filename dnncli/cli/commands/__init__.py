"""One command a file: its options, and one call."""
