"""What becomes of a trained classifier's outputs: its probabilities, and what it answers."""

from dataclasses import dataclass

from dnncli.errors import SpecError

AUTO = "auto"


@dataclass(frozen=True)
class DecisionSpec:
    """threshold: a probability, or auto: chosen on validation examples; None: the larger one.

    calibrate: whether a temperature for the logits is looked for.
    """

    threshold: str | None = None
    calibrate: bool = False

    def __post_init__(self) -> None:
        """Check the probability."""
        if self.threshold is None or self.threshold == AUTO:
            return
        if self.number is None:
            raise SpecError(
                f"--threshold {self.threshold}: must be auto, or a probability between 0 and 1.",
                option="--threshold",
            )

    @property
    def number(self) -> float | None:
        """The probability that was given; None for auto, for none, and for what is not one."""
        try:
            number = float(self.threshold or "")
        except ValueError:
            return None
        return number if 0 < number < 1 else None
