"""The shell: one file per command. It parses, calls the core and prints; nothing else does."""

from dnncli.cli.program import main

__all__ = ["main"]
