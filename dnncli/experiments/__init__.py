"""What the commands do: each a function or generator from specs and data to records."""
