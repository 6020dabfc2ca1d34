"""How a network is trained: updates, schedule, early stopping."""

from dataclasses import dataclass

from dnncli.errors import SpecError
from dnncli.spec import catalog, checks, monitors, objective

DECAY_RATE = 0.1  # the exponential schedule's default
AUTO = "auto"
LARGEST = 256  # examples of an automatic batch at most, …
FEWEST = 4  # … with so many steps an epoch


@dataclass(frozen=True)
class UpdateSpec:
    """What happens to the parameters in one step, the learning rate aside."""

    optimizer: str = "adam"
    momentum: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float | None = None
    max_norm: float | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    clip_global_norm: float | None = None
    loss: str = "auto"

    def __post_init__(self) -> None:
        """Resolve the loss and the optimizer, and fill what that decides."""
        loss = catalog.resolve(objective.LOSSES, self.loss, "loss", "--loss")
        optimizer = catalog.resolve(catalog.OPTIMIZERS, self.optimizer, "optimizer", "--optimizer")
        if self.momentum is not None and optimizer.momentum is None:
            users = ", ".join(o.name for o in catalog.OPTIMIZERS.values() if o.momentum is not None)
            raise SpecError(
                f"--momentum {self.momentum:g}: {optimizer.name} has no momentum; {users} have.",
                option="--momentum",
            )
        checks.check_number(self, "momentum", lambda m: 0 <= m < 1, "in [0, 1)")
        checks.check_numbers(
            self, "l1 l2 weight_decay", lambda x: x >= 0, "a finite number of at least 0"
        )
        checks.check_numbers(
            self,
            "max_norm clip_value clip_norm clip_global_norm",
            lambda x: x > 0,
            "finite and greater than 0",
        )
        checks.fill(
            self,
            loss=loss.name,
            optimizer=optimizer.name,
            momentum=checks.number_or(self.momentum, optimizer.momentum),
            weight_decay=checks.number_or(self.weight_decay, optimizer.weight_decay),
        )


@dataclass(frozen=True)
class ScheduleSpec:
    """How long training goes on, in what batches, and the learning rate's course over it."""

    lr: float | None = None  # RunSpec fills it from the optimizer
    schedule: str = "constant"
    decay_rate: float | None = None
    decay_steps: int | None = None  # None with the exponential schedule: the whole run
    warmup: float = 0.0  # epochs of linear rise from 0
    batch_size: int | str = 64  # auto: a quarter of the examples, at most 256
    epochs: int = 40

    def __post_init__(self) -> None:
        """Resolve the schedule and refuse options that only another one uses."""
        schedule = catalog.resolve(catalog.SCHEDULES, self.schedule, "schedule", "--schedule")
        for other in catalog.SCHEDULES.values():
            for name in set(other.options) - set(schedule.options):
                if getattr(self, name) is not None:
                    raise SpecError(
                        f"{checks.option(name)}: only --schedule {other.name} uses it.",
                        option=checks.option(name),
                    )
        if self.warmup and schedule.name == "one-cycle":
            raise SpecError(
                "--warmup: --schedule one-cycle has its own rise of the learning rate.",
                option="--warmup",
            )
        checks.check_number(self, "lr", lambda x: x > 0, "finite and greater than 0")
        checks.check_number(self, "decay_rate", lambda x: 0 < x <= 1, "in (0, 1]")
        checks.check_numbers(self, "decay_steps epochs", lambda x: x >= 1, "at least 1")
        self._check_batch_size()
        checks.check_number(self, "warmup", lambda x: x >= 0, "a finite number of epochs")
        checks.check(
            self.warmup <= self.epochs,
            "warmup",
            self.warmup,
            f"at most the run's {self.epochs} epochs",
        )
        rate = self.decay_rate
        if rate is None and schedule.name == "exponential":
            rate = DECAY_RATE
        checks.fill(self, schedule=schedule.name, decay_rate=rate)

    def _check_batch_size(self) -> None:
        """Refuse a size that is neither a number from 1 on nor auto."""
        size = self.batch_size
        sound = size == AUTO if isinstance(size, str) else size >= 1
        checks.check(sound, "batch_size", size, f"at least 1, or {AUTO}")

    def batch(self, examples: int) -> int:
        """How many of so many training examples a step has: no more than there are.

        Of few an automatic batch has a quarter: an epoch in one step takes too few of them.
        """
        size = self.batch_size
        if isinstance(size, str):
            size = min(LARGEST, -(-examples // FEWEST))
        return min(size, examples)


@dataclass(frozen=True)
class StoppingSpec:
    """When training stops before its last epoch, and which epoch counts as the best."""

    patience: int | None = 10  # epochs without improvement; None: never stop early
    min_delta: float = 0.0
    monitor: str = "val-loss"

    def __post_init__(self) -> None:
        """Resolve the monitored metric and check the rest."""
        monitor = catalog.resolve(monitors.MONITORS, self.monitor, "monitor", "--monitor")
        checks.fill(self, monitor=monitor.name)
        checks.check_number(self, "patience", lambda n: n >= 1, "at least 1 epoch")
        checks.check_number(self, "min_delta", lambda x: x >= 0, "a finite number of at least 0")

    @property
    def measured(self) -> tuple[str, ...]:
        """The metric that must improve; none where it is the loss."""
        metric = monitors.MONITORS[self.monitor].metric
        return (metric,) if metric else ()
