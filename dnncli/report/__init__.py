"""Records as tables for people and as JSON and CSV for scripts; everything is returned."""
