"""How the metric that ranks runs is written: accuracy in percent, R² as a number."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dnncli.records import DataRecord, Gain


class Merit(NamedTuple):
    """A metric's names, and its scale and decimals in text; `key`: in JSON and CSV."""

    name: str
    short: str
    key: str
    factor: float
    decimals: int
    unit: str
    gained: str  # what a difference is counted in
    right: str  # what an axis of it is labelled …
    wrong: str  # … and one of what it lacks

    def bare(self, value: float | None, sign: str = "") -> str:
        """A value without its unit; a dash for none."""
        if value is None:
            return "-"
        return f"{self.factor * value:{sign}.{self.decimals}f}"

    def shown(self, value: float | None, sign: str = "") -> str:
        """A value with its unit."""
        text = self.bare(value, sign)
        return text if value is None else f"{text}{self.unit}"

    def end(self, value: float) -> str:
        """An end of a drawn scale: a decimal less."""
        return f"{self.factor * value:.{self.decimals - 1}f}{self.unit}"

    def difference(self, value: float) -> str:
        """A difference without its unit: a decimal less."""
        return f"{self.factor * value:+.{self.decimals - 1}f}"

    def gain(self, gain: Gain | None) -> str:
        """A mean difference and its interval, without their unit; nothing for none."""
        if gain is None:
            return ""
        mean = self.difference(gain.mean)
        if gain.low is None or gain.high is None:
            return mean
        return f"{mean} ({self.difference(gain.low)} to {self.difference(gain.high)})"

    @property
    def heading(self) -> str:
        """Its name with its unit, as a table's title has it."""
        return f"{self.name} in %" if self.unit else self.name


ACCURACY = Merit(
    *("accuracy", "acc.", "accuracy", 100.0, 2, " %", "points"),
    right="correctly classified (%)",
    wrong="wrong on the validation set (%)",
)
R2 = Merit(
    *("R²", "R²", "r2", 1.0, 3, "", "R²"),
    right="R²",
    wrong="1 - R² on the validation set",
)


def own_words(value: Any) -> Any:
    """A regression's result with R² for accuracy in its names: `test_r2`, `val_r2s`.

    What tells its metrics by name, an epoch or a score, stays as it is.
    """
    if isinstance(value, list):
        return [own_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    told = {key: own_words(item) for key, item in value.items()}
    if "metrics" in value or "r2" in value:
        return told
    return {own_name(key): item for key, item in told.items()}


def own_name(name: str) -> str:
    """One name of a regression's result."""
    return name.replace("accuracies", "r2s").replace("accuracy", R2.key)


def own_rows(rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    """A regression's table for CSV: its header in its own words."""
    return [[own_name(str(name)) for name in rows[0]], *rows[1:]]


def merit(data: DataRecord) -> Merit:
    """The metric that ranks runs on these data."""
    return R2 if data.targets else ACCURACY
