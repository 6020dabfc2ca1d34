"""What caching frozen layers saves: recipe E's epochs with and without; run by hand.

    TF_CPP_MIN_LOG_LEVEL=3 python tests/benchmarks/bench_transfer.py MNIST

MNIST is the folder of its four IDX files. The parent is recipe B's network after one epoch (how
well it does is of no consequence for the time). Both contenders train in one process and take their
epochs in turn, so that a machine that changes its speed changes it for both; ratios are of epochs
next to each other. Every epoch's results are compared to the bit.
"""

import os
import statistics
import sys
from dataclasses import replace

import jax
import numpy as np

from dnncli import data
from dnncli.experiments.transfer import layers
from dnncli.experiments.transfer import run as transfer
from dnncli.experiments.transfer.task import TRANSFER, Run, Transfer
from dnncli.spec import DataSpec, from_options
from dnncli.spec import transfer as transfer_spec
from dnncli.spec.transfer import TransferSpec
from dnncli.training import compilation_cache, run

EPOCHS = 20
RECIPE_B = {
    "hidden": (300, 50, 50, 50, 50),
    "act": "relu",
    "init": "xavier-uniform",
    "optimizer": "sgd",
    "lr": 0.01,
    "clip_value": 1.0,
    "batch_size": 200,
    "epochs": 1,
    "patience": None,
}
CASES = {
    "E: 784-300-50-50-20-10, hidden1-2 frozen": {"keep": "3", "add": (20,), "freeze": "2"},
    "all of B's hidden layers frozen": {"keep": "all", "freeze": "all", "head": "new"},
    "B's hidden1 frozen": {"keep": "all", "freeze": "1"},
}


def parent(dataset: data.Dataset, source: DataSpec):
    """Recipe B's network."""
    spec = replace(from_options(RECIPE_B), data=source)
    *_, last = run.run(run.start(spec, dataset), dataset)
    return last.snapshot


def task(network, dataset: data.Dataset, asked: dict) -> Transfer:
    """A transfer of that network to the same data."""
    spec = TransferSpec(**asked, options={"epochs": EPOCHS})
    layout = transfer_spec.layout(spec, network.spec, network.spec.data, same_classes=True)
    return Transfer(spec, layout, network, layers.parent_record("B", "", network), dataset)


def same(one, other) -> bool:
    """Whether two runs are equal to the bit: state, figures and scores."""
    states = (jax.tree.leaves(snapshot.state) for snapshot in (one.snapshot, other.snapshot))
    alike = all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(*states, strict=True)
    )
    return alike and replace(one.record, seconds=None) == replace(other.record, seconds=None)


def row(name: str, of: Transfer) -> list[str]:
    """One case's line of the table: medians, and the ratio of neighbouring epochs."""
    start = transfer.start(of, Run(TRANSFER, 0))
    pairs = list(
        zip(*(run.run(start, of.dataset, cache=cache) for cache in (True, False)), strict=True)
    )
    times = np.array([[progress.record.seconds for progress in pair] for pair in pairs[1:]])
    ratios = times[:, 1] / times[:, 0]
    spread = f"{statistics.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
    identical = "all" if all(same(*pair) for pair in pairs) else "NOT all"
    medians = [f"{statistics.median(column):.3f} s" for column in times.T]
    return [name, *medians, spread, f"{identical} of {len(pairs)}"]


def main() -> None:
    """Print the table."""
    compilation_cache.enable()
    source = DataSpec(data=sys.argv[1])
    dataset = data.load(source)
    network = parent(dataset, source)
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {EPOCHS - 1} epochs, in turn\n"
    )
    print("| case | cached | not cached | not cached / cached | epochs identical to the bit |")
    print("| --- | --- | --- | --- | --- |")
    for name, asked in CASES.items():
        print(f"| {' | '.join(row(name, task(network, dataset, asked)))} |", flush=True)


if __name__ == "__main__":
    main()
