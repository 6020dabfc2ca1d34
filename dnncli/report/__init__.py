"""Records drawn: tables for people, JSON and CSV for scripts. Everything here returns, nothing prints."""
