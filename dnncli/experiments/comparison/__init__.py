"""Activations, initialisers and learning rates compared over paired seeds."""
