"""Search for settings: proposals, races of them over paired seeds, and what the best is worth."""
