"""Train deep multilayer perceptrons and see which layers learn, which do not, and why."""

__version__ = "0.1.0"
