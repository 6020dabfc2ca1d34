"""Which processes train a network together: found by themselves, or told."""

from dataclasses import dataclass

from dnncli.errors import SpecError

MOST_SECONDS = 1_000_000


@dataclass(frozen=True)
class ProcessSpec:
    """How this process finds the others.

    distributed: Slurm, Open MPI or Kubernetes says who they are. coordinator: HOST:PORT where the
    first of so many `processes` answers; `process` is this one's number, from 0. timeout: seconds
    that finding the others, or an epoch, may take.
    """

    distributed: bool = False
    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None
    timeout: float = 1800.0

    def __post_init__(self) -> None:
        """Raise SpecError for options that do not go together."""
        told = {
            "--coordinator": self.coordinator,
            "--processes": self.processes,
            "--process": self.process,
        }
        given = [name for name, value in told.items() if value is not None]
        missing = [name for name, value in told.items() if value is None]
        if self.distributed and given:
            raise SpecError(
                f"{given[0]}: --distributed finds it; leave one of the two out.", option=given[0]
            )
        if given and missing:
            raise SpecError(f"{given[0]}: it needs {' and '.join(missing)} too.", option=given[0])
        if not 0 < self.timeout <= MOST_SECONDS:
            raise SpecError(
                f"--timeout must be above 0 and at most {MOST_SECONDS:,} seconds.",
                option="--timeout",
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Raise SpecError for numbers that name no process."""
        if self.coordinator is None or self.processes is None or self.process is None:
            return
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SpecError(
                f"--coordinator {self.coordinator}: it must be HOST:PORT.", option="--coordinator"
            )
        if self.processes < 2:
            raise SpecError("--processes must be at least 2.", option="--processes")
        if not 0 <= self.process < self.processes:
            raise SpecError(
                f"--process {self.process}: of {self.processes} processes it must be from 0 to"
                f" {self.processes - 1}.",
                option="--process",
            )

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.distributed or self.coordinator is not None
