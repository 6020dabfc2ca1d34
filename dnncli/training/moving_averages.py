"""What batch norm's moving averages cost: losses with them, and with the moments of an epoch."""

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset, Split
from dnncli.nn import inference
from dnncli.nn.network import Statistics
from dnncli.nn.tasks import TASKS
from dnncli.records.diagnosis import MovingAverages
from dnncli.training import placement
from dnncli.training.certainty import standard_errors
from dnncli.training.outcome import EXAMPLES, sample, together
from dnncli.training.plan import batch_size, epoch_plan
from dnncli.training.snapshot import Snapshot

HELD_OUT = EXAMPLES // 2


def measure(snapshot: Snapshot, dataset: Dataset) -> MovingAverages:
    """Held-out losses of the best epoch's network, with its moving averages and without.

    Validation and test examples together, as for what was learned: many tell more surely.
    """
    held_out = together(sample(dataset.validation, HELD_OUT), sample(dataset.test, HELD_OUT))
    moving = _losses(snapshot, snapshot.network.statistics, held_out)
    batch = _losses(snapshot, batch_moments(snapshot, dataset, EXAMPLES), held_out)
    differences = moving.astype(np.float64) - batch
    return MovingAverages(float(moving.mean()), float(batch.mean()), standard_errors(differences))


def batch_moments(snapshot: Snapshot, dataset: Dataset, most: int | None = None) -> Statistics:
    """The best network's batch-norm moments, averaged over the batches of an epoch.

    In an epoch's order: in a file, rows that stand together are often alike. most: how many
    examples to take; None: all.
    """
    spec = snapshot.spec
    order = epoch_plan(spec, snapshot.history.best_epoch, len(dataset.train)).order[:most]
    x = placement.features(dataset.train.take(np.asarray(order)).x)
    size = batch_size(spec, len(dataset.train))
    return inference.compiled_batch_statistics(spec.network, snapshot.network.parameters, x, size)


def _losses(
    snapshot: Snapshot, statistics: Statistics, split: Split
) -> Float32[np.ndarray, " examples"]:
    """Each example's loss with these moments."""
    network = snapshot.network._replace(statistics=statistics)
    x = placement.features(split.x)
    outputs = inference.compiled_logits(snapshot.spec.network, network, x)
    y = placement.block(split).y
    return np.asarray(TASKS[snapshot.spec.loss].losses(outputs, y))
