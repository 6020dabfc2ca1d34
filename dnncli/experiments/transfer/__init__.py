"""A trained network's layers reused on another task."""
