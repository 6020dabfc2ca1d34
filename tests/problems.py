"""Small data sets, runs and layer figures that the tests of the experiments share."""

import math

import jax
import numpy as np
import oracle

from dnncli.data import Dataset, Scaling, Split
from dnncli.nn import network, optimizers
from dnncli.nn.network import TrainState
from dnncli.records import LAYER_FIELDS, EpochRecord, LayerRecord, StepRecord
from dnncli.spec import from_options
from dnncli.training.history import RunHistory
from dnncli.training.snapshot import Snapshot, summary

FEATURES = 6
CLASSES = 3
HEALTHY = {
    "delta_rms": 0.1,
    "gradient_norm": 0.5,
    "weight_norm": 5.0,
    "update_ratio": 1e-3,
    "activation_mean": 0.1,
    "activation_std": 1.0,
    "saturated_fraction": 0.0,
    "dead_fraction": 0.0,
    "penalty_share": 0.0,
}


def layer(name="hidden1", **figures):
    """A layer's record, healthy but for the figures given; one-point ranges."""
    values = HEALTHY | figures
    ranges = {key: (values[key], values[key]) for key in LAYER_FIELDS}
    return LayerRecord(name, **values, ranges=ranges)


def layers(hidden=5, **columns):
    """A network's records; a column is one number for all hidden layers, or a list of them."""
    names = [*(f"hidden{i + 1}" for i in range(hidden)), "output"]
    rows = [_row(columns, index) for index in range(hidden)]
    return tuple(layer(name, **row) for name, row in zip(names, [*rows, {}], strict=True))


def _row(columns, index):
    """One layer's numbers."""
    lists = {key: value[index] for key, value in columns.items() if isinstance(value, list)}
    return columns | lists


def split(examples, features=FEATURES, classes=CLASSES, seed=0):
    """Normal features, classes by a random linear map; the first examples have one class each."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((examples, features), dtype=np.float32)
    y = (
        (x @ np.random.default_rng(99).standard_normal((features, classes)))
        .argmax(axis=1)
        .astype(np.int32)
    )
    y[:classes] = np.arange(min(classes, examples))
    return Split(x, y)


def dataset(
    train=40, validation=13, test=11, features=FEATURES, classes=CLASSES, seed=0, transform=None
):
    """Three splits of the same distribution; `transform` is applied to all features."""
    parts = [split(n, features, classes, seed + i) for i, n in enumerate((train, validation, test))]
    if transform:
        parts = [
            Split(np.asarray(transform(part.x), np.float32, order="C"), part.y) for part in parts
        ]
    names = tuple(f"class {i}" for i in range(classes))
    nothing = Scaling("none", np.zeros(features, np.float32), np.ones(features, np.float32))
    return Dataset("toy", *parts, names, nothing, "f" * 64, None)


def spec(**options):
    """A run of a few quick epochs that never stops early, but for the options given."""
    return from_options(
        {"hidden": (7, 5), "batch_size": 16, "epochs": 3, "patience": None} | options
    )


def record(epoch, **figures):
    shown = layers(2, **figures)
    return EpochRecord(epoch, 0.5, 0.25, 0.75, 0.01, 0.0, None, shown, {"accuracy": 0.75})


def snapshot(run_spec, epochs=3, best=2, data=None):
    """A run as it might be after some epochs, nothing of it at its default."""
    data = data or dataset()
    shapes = network.shapes(run_spec.network, data.features, data.classes)
    last = oracle.random_network(shapes, seed=1)
    kept = oracle.random_network(shapes, seed=2)
    kept = last if best == epochs else kept
    rng = np.random.default_rng(3)
    optimizer = jax.tree.map(
        lambda leaf: (100 * rng.random(leaf.shape)).astype(leaf.dtype),
        optimizers.initial_state(optimizers.build(run_spec.update), last.parameters),
    )
    wild = {"delta_rms": [math.nan, math.inf], "activation_mean": [-math.inf, 0.1]}
    records = [record(i + 1) for i in range(epochs)]
    if epochs > 1:
        records[1] = record(2, **wild)
    history = RunHistory(
        run_spec,
        epochs=tuple(records),
        initial=layers(2, update_ratio=0.02),
        best_epoch=best,
    )
    return Snapshot(
        history,
        kept,
        TrainState(last, optimizer, np.array(17, np.int32)),
        summary(data),
        (StepRecord(4, 1, 0.3, layers(2)), StepRecord(4, 2, math.nan, layers(2, **wild))),
    )
