"""`predict` for programs: a row of text a prediction, in the format asked for."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dnncli.records import Predictions
from dnncli.report import structured, text

PREDICTED = "predicted"  # the column of a regression's only target


def columns(names: Sequence[str], probabilities: bool) -> list[str]:
    """The columns of CSV and Parquet: the class, then each class's probability if asked for."""
    return ["class", *(f"p({name})" for name in names if probabilities)]


def value_names(targets: Sequence[str]) -> list[str]:
    """The columns of a regression: `predicted`, or of several targets `predicted_a` and so on."""
    if len(targets) == 1:
        return [PREDICTED]
    return [f"{PREDICTED}_{name}" for name in targets]


def kept(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Names for columns of the input beside the output's own: `class` becomes `class_`."""
    used = {name.lower() for name in (*taken, "probabilities")}
    found = []
    for name in names:
        while name.lower() in used:
            name += "_"
        used.add(name.lower())
        found.append(name)
    return found


def csv_rows(predictions: Predictions) -> str:
    """Rows of CSV."""
    return structured.csv_lines(_rows(predictions))


def _rows(predictions: Predictions) -> Iterator[list[Any]]:
    """Each row's kept values, then class and probabilities, or a regression's numbers."""
    kept = zip(*predictions.kept, strict=True)
    for values in predictions.values or ():
        yield [*map(_cell, next(kept, ())), *values]
    for index, name in enumerate(predictions.classes):
        shares = predictions.probabilities[index] if predictions.probabilities else []
        yield [*map(_cell, next(kept, ())), name, *shares]


def _cell(value: Any) -> Any:
    """A kept value as CSV has it: truths as every table does."""
    return str(value).lower() if isinstance(value, bool) else value


def json_rows(
    predictions: Predictions, names: Sequence[str], kept: Sequence[str] = ()
) -> list[str]:
    """A JSON object a row: {kept columns, "class", "probabilities": {class: probability}}.

    names: of the classes, or of a regression's columns, which then stand in their place.
    """
    rows: list[dict[str, Any]] = [{"class": name} for name in predictions.classes]
    if predictions.values is not None:
        rows = [_shares(names, values) for values in predictions.values]
    if predictions.probabilities is not None:
        rows = [
            {**row, "probabilities": _shares(names, shares)}
            for row, shares in zip(rows, predictions.probabilities, strict=True)
        ]
    if kept:
        values = zip(*predictions.kept, strict=True)
        rows = [{**_kept(kept, own), **row} for row, own in zip(rows, values, strict=True)]
    return [structured.dumps(row) for row in rows]


def _kept(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Kept values by name; a number that is not finite has no JSON."""
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    return _finite(value) if isinstance(value, float) else value


def _shares(names: Sequence[str], shares: Sequence[float]) -> dict[str, Any]:
    """JSON has no NaN, which a network with weights near the end of float32 can give."""
    return {name: _finite(share) for name, share in zip(names, shares, strict=True)}


def _finite(share: float) -> float | None:
    return share if math.isfinite(share) else None


def opening(record: dict[str, Any]) -> str:
    """The one JSON object up to its rows, which are its last value."""
    return structured.dumps(structured.document("predict", record))[:-1] + ', "predictions": ['


def counts(found: dict[str, int]) -> str:
    """How many rows there were and how many of each class, the most first."""
    ordered = sorted(found.items(), key=lambda item: -item[1])
    classes = ", ".join(f"{text.count(number)} {name}" for name, number in ordered[:10])
    more = ", …" if len(ordered) > 10 else ""
    return f"{text.count(sum(found.values()))} rows: {classes}{more}"


@dataclass
class Summary:
    """What was predicted: how many rows of each class, or each target's range."""

    targets: Sequence[str]
    rows: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    low: Sequence[float] = ()
    high: Sequence[float] = ()

    def add(self, batch: Predictions) -> None:
        """More rows."""
        self.classes.update(batch.classes)
        if batch.values:
            columns = list(zip(*batch.values, strict=True))
            if not self.rows:
                self.low = list(map(min, columns))
                self.high = list(map(max, columns))
            self.rows += len(batch.values)
            self.low = list(map(min, self.low, map(min, columns)))
            self.high = list(map(max, self.high, map(max, columns)))

    def sentence(self) -> str:
        """In words, without a full stop."""
        if not self.targets:
            return counts(self.classes)
        spans = zip(self.targets, self.low, self.high, strict=False)
        told = ", ".join(f"{name} from {low:g} to {high:g}" for name, low, high in spans)
        return f"{text.count(self.rows)} rows: {told}"
