"""The network as pure functions: registries, forward passes, statistics of its layers."""
