"""Deep networks with each layer by itself and with equal layers as one; run by hand.

    python tests/benchmarks/bench_depth.py --depths 10 30 100 --rounds 8
    python tests/benchmarks/bench_depth.py --depths 1000 --stacked-only

Both programs live in one process and take their epochs in turn, so that a machine that changes its
speed changes it for both. Compilation is cold (no cache) and told in processor seconds. Data: the
bundled digits.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Any

from dnncli.data import Dataset, load
from dnncli.nn import stacks
from dnncli.spec import DataSpec, RunSpec, from_options
from dnncli.training import phases, placement, run
from dnncli.training.phases import Phase

EPOCHS_APART = 2  # the first ones of each are not counted


@dataclass
class Contender:
    """A program with its state, and what it took."""

    phase: Phase
    state: Any
    unrolled: int
    compiling: float
    epochs: list[float]

    def epoch(self, number: int) -> None:
        """Train one epoch."""
        stacks.UNROLLED = self.unrolled
        began = time.perf_counter()
        self.state, _ = self.phase.step(self.state, number)
        self.epochs.append(time.perf_counter() - began)


def contender(spec: RunSpec, dataset: Dataset, unrolled: int) -> Contender:
    """A phase compiled with networks of up to so many layers unrolled."""
    stacks.UNROLLED = unrolled
    snapshot = run.start(spec, dataset)
    blocks = (placement.block(dataset.train), placement.block(dataset.validation))
    phase = phases.begin(snapshot, *blocks, 0)
    began = time.process_time()
    phase = phases.compiled(phase, snapshot.state)
    return Contender(phase, snapshot.state, unrolled, time.process_time() - began, [])


def compare(depth: int, width: int, rounds: int, *, bn: bool, kinds: dict[str, int]) -> None:
    """One line of the table."""
    dataset = load(DataSpec())
    options = {"hidden": (width,) * depth, "act": "elu", "bn": bn, "lr": 1e-5, "epochs": rounds}
    spec = from_options(options)
    found = {kind: contender(spec, dataset, unrolled) for kind, unrolled in kinds.items()}
    for number in range(rounds + EPOCHS_APART):
        for one in found.values():
            one.epoch(number)
    cells = [str(depth), str(width), "yes" if bn else "no"]
    for one in found.values():
        seconds = statistics.median(one.epochs[EPOCHS_APART:])
        cells += [f"{one.compiling:.1f} s", f"{seconds:.3f} s"]
    if len(found) == 2:
        rows = [one.epochs[EPOCHS_APART:] for one in found.values()]
        ratios = [stacked / single for single, stacked in zip(*rows, strict=True)]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--depths", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--bn", action="store_true")
    parser.add_argument("--stacked-only", action="store_true")
    asked = parser.parse_args()
    kinds = {"one by one": 10**6, "stacked": 1}
    if asked.stacked_only:
        del kinds["one by one"]
    for depth in asked.depths:
        compare(depth, asked.width, asked.rounds, bn=asked.bn, kinds=kinds)


if __name__ == "__main__":
    main()
