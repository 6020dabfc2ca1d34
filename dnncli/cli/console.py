"""Rich's console, less what it does to a process whose reader has gone."""

from rich.console import Console


class PatientConsole(Console):
    """A console that leaves a broken pipe to the program: Rich would end the process with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that Rich is handling."""
        raise
