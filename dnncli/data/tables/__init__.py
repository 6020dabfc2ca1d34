"""Tables of people's own: files that DuckDB reads, encoded as numbers the same way every time."""
