"""What is wrong with a network, and which change of its options cures it."""
