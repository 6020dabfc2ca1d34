"""What the doctor examines: a run by its options, or the run of a checkpoint trained anew."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnncli import data
from dnncli.data import Dataset
from dnncli.data.statistics import statistics
from dnncli.diagnosis.before import before
from dnncli.errors import SpecError
from dnncli.experiments.doctor.run import BUDGET, SEEDS, Examination
from dnncli.spec import RunSpec, from_options
from dnncli.storage import checkpoint
from dnncli.training.checkpointing import from_checkpoint
from dnncli.training.run import network_context


def subject(path: Path | None, options: Mapping[str, Any]) -> RunSpec:
    """The run to examine: that of a checkpoint, where one is given, with the options given anew.

    Raises CheckpointError for a file that cannot be read, SpecError for options that make no run
    and for a network with another one's layers, which no options give again.
    """
    if path is None:
        return from_options(options)
    stored = from_checkpoint(checkpoint.read(path), path)
    if stored.origin is not None or stored.spec.freezing.freeze:
        raise SpecError(
            f"{path} has layers of another network, which training from scratch does not give:"
            " examine its parent, or give the options without CKPT."
        )
    # Of an ensemble one network is examined.
    return from_options({**stored.spec.options(), "ensemble": 1, **options})


def examination(
    spec: RunSpec,
    dataset: Dataset,
    *,
    budget: float = BUDGET,
    seeds: int = SEEDS,
    began: float | None = None,
) -> Examination:
    """An examination that has looked at data, options and theory, and has trained nothing yet.

    began: `time.perf_counter()` from which the budget counts; None: from now on.
    """
    began = time.perf_counter() if began is None else began
    spec = spec.resolved(dataset.task)
    found = before(network_context(spec, dataset), statistics(dataset))
    return Examination(spec, dataset, budget, seeds, found, data.load, began)
