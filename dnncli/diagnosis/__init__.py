"""What is wrong with a network, why, and what mends it: rules on records, without JAX."""
