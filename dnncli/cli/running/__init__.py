"""Commands at work. A command imports its file here once it runs: help starts without JAX."""
