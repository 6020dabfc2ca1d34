"""`predict` for programs: a row of text a prediction, in the format asked for."""

import json
import math
from collections.abc import Sequence
from typing import Any

from dnncli.records import Predictions
from dnncli.report import structured, text


def columns(names: Sequence[str], probabilities: bool) -> list[str]:
    """The columns of CSV and Parquet: the class, then each class's probability if asked for."""
    return ["class", *(f"p({name})" for name in names if probabilities)]


def csv_rows(predictions: Predictions) -> str:
    """Rows of CSV."""
    if predictions.probabilities is None:
        return structured.csv_lines([name] for name in predictions.classes)
    pairs = zip(predictions.classes, predictions.probabilities, strict=True)
    return structured.csv_lines([name, *shares] for name, shares in pairs)


def json_rows(predictions: Predictions, names: Sequence[str]) -> list[str]:
    """A JSON object a row: {"class", "probabilities": {class: probability}}."""
    if predictions.probabilities is None:
        return [f'{{"class": {json.dumps(name)}}}' for name in predictions.classes]
    return [
        structured.dumps({"class": name, "probabilities": _shares(names, shares)})
        for name, shares in zip(predictions.classes, predictions.probabilities, strict=True)
    ]


def _shares(names: Sequence[str], shares: Sequence[float]) -> dict[str, float | None]:
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
