"""A run at the end of an epoch: its history, its best network, and the state to go on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Shaped

from dnncli.data import Dataset, Scaling
from dnncli.data.quantities import Quantities
from dnncli.data.tables.encoding import Encoding
from dnncli.nn import network
from dnncli.nn.gradient_noise import Kernels
from dnncli.nn.network import Network, TrainState
from dnncli.records import DataRecord, OriginRecord, StepRecord
from dnncli.records.calibration import CalibrationRecord
from dnncli.spec import RunSpec
from dnncli.training.history import RunHistory


@dataclass(frozen=True)
class DataSummary:
    """What a network must know of the data it was trained on.

    numbers: targets of a regression. image: rows and columns, where examples are images of bytes.
    """

    record: DataRecord
    class_names: tuple[str, ...]
    scaling: Scaling
    encoding: Encoding | None = None  # of a table's columns
    numbers: Quantities | None = None
    image: tuple[int, int] | None = None

    @property
    def held_out(self) -> bool:
        """Whether there are rows that it was not trained on; of --final there are none."""
        return self.record.validation > 0 or self.record.test > 0


class Within(NamedTuple):
    """An epoch under way, of a run whose examples come block by block from the disk.

    blocks: how many of them are done. state: after the last of these. left: what their steps left
    besides: the leaves of a tree that the programs know.
    """

    blocks: int
    state: TrainState
    left: tuple[Shaped[np.ndarray, "..."], ...]


@dataclass(frozen=True)
class Snapshot:
    """A run after some epochs.

    network: the best epoch's. state: what the next step needs. steps: the last ones before the run
    broke or met a condition. origin: where reused layers come from. threshold: the probability from
    which on the second of two classes is answered; None: the more probable class is. calibration:
    what was found for --calibrate; `network` is as it was trained.
    start: the kernels before the first step; None where they are not at hand.
    lost: the parts of a damaged checkpoint that are missing; then there is the network alone.
    versions: what its numbers depend on besides, where it was stored; empty where it was not.
    devices: how many shared its last epoch. within: the epoch after that, where it has begun.
    """

    history: RunHistory
    network: Network
    state: TrainState
    data: DataSummary
    steps: tuple[StepRecord, ...] = ()
    origin: OriginRecord | None = None
    threshold: float | None = None
    calibration: CalibrationRecord | None = None
    start: Kernels | None = None
    lost: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    devices: int = 1
    within: Within | None = None

    @property
    def spec(self) -> RunSpec:
        """What the run is."""
        return self.history.spec

    @property
    def answering(self) -> Network:
        """The network whose outputs are answered with: calibrated, where that is kept."""
        if self.calibration is None or not self.calibration.kept:
            return self.network
        return tempered(self.network, self.calibration.temperature)

    @property
    def parameters(self) -> int:
        """How many trained numbers there are; zeros between an ensemble's networks are none."""
        one = replace(self.spec.network, ensemble=1)
        record = self.data.record
        shapes = network.shapes(one, record.features, record.outputs)
        return self.spec.network.ensemble * network.count(shapes.parameters)

    def after(self, state: TrainState, history: RunHistory) -> "Snapshot":
        """The run one epoch on; the network of the epoch is kept where it is the best."""
        best = state.network if history.improved else self.network
        return replace(self, history=history, network=best, state=state, within=None)


def tempered(network: Network, temperature: float) -> Network:
    """The network whose outputs are divided by a temperature, in NumPy."""
    last = network.parameters[-1]
    names = ("kernel", "bias") if last.scale is None else ("scale", "offset")
    divided = {name: np.asarray(getattr(last, name)) / np.float32(temperature) for name in names}
    return network._replace(parameters=(*network.parameters[:-1], last._replace(**divided)))


def summary(dataset: Dataset) -> DataSummary:
    """What to keep of a dataset."""
    image = dataset.image_shape if dataset.pixels else None
    return DataSummary(
        dataset.record(),
        dataset.class_names,
        dataset.scaling,
        dataset.encoding,
        dataset.quantities,
        image,
    )


def kernels(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """The best epoch's kernels by layer, on the host."""
    layers = snapshot.spec.network.layers()
    host = jax.device_get(snapshot.network.parameters)
    return {name: np.asarray(layer.kernel) for name, layer in zip(layers, host, strict=True)}
