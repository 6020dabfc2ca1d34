"""A trained network with all that stands between a person's data and its answers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from dnncli import __version__
from dnncli.data import Scaling
from dnncli.data.quantities import Quantities
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.interop import spellings
from dnncli.nn.network import Network
from dnncli.spec import NetworkSpec


@dataclass(frozen=True, eq=False)
class Trained:
    """What an export takes: a network on the host and how its inputs and outputs are understood.

    encoding: of a table's columns. image: rows and columns, where examples are images of bytes.
    numbers: a regression's targets, which has no classes. threshold: the probability from which on
    the second of two classes is answered; None: the more probable class is.
    """

    spec: NetworkSpec
    network: Network
    scaling: Scaling
    class_names: tuple[str, ...]
    encoding: Encoding | None = None
    image: tuple[int, int] | None = None
    numbers: Quantities | None = None
    threshold: float | None = None

    @property
    def features(self) -> int:
        """How many unscaled features an example has."""
        return self.scaling.taken

    @property
    def width(self) -> int:
        """How many scaled features the network takes."""
        return len(self.scaling.scale)

    @property
    def outputs(self) -> int:
        """How many numbers it puts out."""
        return len(self.class_names) or len(self.targets)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of a regression's targets."""
        return () if self.numbers is None else self.numbers.names

    def about(self) -> dict[str, Any]:
        """What a file of bare tensors lacks, as JSON: scaling, columns, classes or targets."""
        scaling = {
            "kind": self.scaling.kind,
            "offset": _shortest(self.scaling.offset),
            "scale": _shortest(self.scaling.scale),
        }
        if self.scaling.limit is not None:
            # Its inverse, 0 for no limit: JSON has no infinity.
            scaling["per_limit"] = _shortest(1 / self.scaling.limit)
        if self.scaling.source is not None:
            scaling["source"] = self.scaling.source.tolist()
        values: dict[str, Any] = {"dnncli": __version__, "scaling": scaling}
        if self.encoding:
            values["columns"] = [_column(column) for column in self.encoding.columns]
            values["missing"] = list(spellings.MISSING)
        if self.image:
            values["image"] = list(self.image)
        if self.numbers is None:
            values["classes"] = list(self.class_names)
        else:
            values["targets"] = {
                "names": list(self.numbers.names),
                "offset": self.numbers.offset.tolist(),
                "scale": self.numbers.scale.tolist(),
            }
        if self.threshold is not None:
            values["threshold"] = self.threshold
        return values


def _column(column: Column) -> dict[str, Any]:
    """A column's encoding; marks of missing values are of the type that the column has."""
    values = asdict(column)
    if column.kind == "text":
        return values | {"marks": spellings.of_texts(column.marks)}
    levels = [float(level) for level in column.levels]
    return values | {"levels": levels, "marks": spellings.of_numbers(column.marks)}


def _shortest(x: Float32[np.ndarray, " features"]) -> float | list[float]:
    """One number where all are the same, as of pixels."""
    return float(x[0]) if (x == x[0]).all() else x.tolist()
