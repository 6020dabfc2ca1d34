"""What calibration made of a network's probabilities."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationRecord:
    """A temperature that logits are divided by, found on the validation examples.

    kept: whether it lowers their log loss where it is fitted on the other folds; else the logits
    stay as they are. before, after: that log loss without it and with it. folds: how many.
    """

    temperature: float
    kept: bool
    before: float
    after: float
    examples: int
    folds: int
