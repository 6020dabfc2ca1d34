"""An epoch's processor time in float32 and in bfloat16, on bytes and on floats.

The programs take turns in one process; what counts is the median over turns of each one's ratio to
float32 on bytes, which is what `train` does. Run as `python tests/benchmarks/bench_precision.py
FOLDER > tests/benchmarks/precision.md`, FOLDER being MNIST's four files.
"""

import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from dnncli import data
from dnncli.data import Dataset
from dnncli.data.features import take
from dnncli.spec import from_options
from dnncli.training import phases, placement, run
from dnncli.training.plan import epoch_plan, key

EXAMPLES = 12_800
TURNS = 15
NETWORKS = {
    "300,100, batch 50": {"hidden": (300, 100), "batch_size": 50},
    "300,100 with batch norm, batch 200": {"hidden": (300, 100), "bn": True, "batch_size": 200},
}
WAYS = {
    "float32 on bytes": ("float32", True),
    "float32 on floats": ("float32", False),
    "bfloat16 on bytes": ("bfloat16", True),
}


def epochs(dataset: Dataset, options: dict) -> dict:
    """Each way's compiled epoch with its arguments."""
    made = {}
    for name, (precision, as_bytes) in WAYS.items():
        x = dataset.train.x if as_bytes else np.asarray(dataset.train.x)
        own = replace(dataset, train=replace(dataset.train, x=x))
        spec = from_options({**options, "precision": precision})
        snapshot = run.start(spec, own)
        blocks = (placement.block(own.train), placement.block(own.validation))
        phase = phases.compiled(phases.begin(snapshot, *blocks, 0), snapshot.state)
        plan = epoch_plan(spec, 0, len(own.train))
        state = placement.put(snapshot.state)
        made[name] = (phase.compiled, (state, *blocks, key(0), plan, phase.start))
    return made


def processor_times(made: dict) -> dict:
    """Seconds of each way's epochs, which take turns."""
    times = {name: [] for name in made}
    for _ in range(TURNS + 1):
        for name, (compiled, arguments) in made.items():
            began = time.process_time()
            jax.block_until_ready(compiled(*arguments))
            times[name].append(time.process_time() - began)
    return {name: np.array(values[1:]) for name, values in times.items()}


def flags() -> str:
    """What the processor offers for bfloat16, where Linux tells."""
    cpuinfo = Path("/proc/cpuinfo")
    known = cpuinfo.read_text().split() if cpuinfo.exists() else []
    found = [flag for flag in ("avx512_bf16", "amx_bf16") if flag in known]
    return ", ".join(found) or "nothing"


def main() -> None:
    """Print the table."""
    whole = data.load(from_options({"data": sys.argv[1]}).data)
    first = slice(0, EXAMPLES)
    train = replace(whole.train, x=take(whole.train.x, first), y=whole.train.y[first])
    validation = whole.validation.take(slice(0, 500))
    dataset = replace(whole, train=train, validation=validation)
    print("# Processor time of an epoch by precision\n")
    print(f"{platform.machine()}, for bfloat16 it has {flags()}; JAX {jax.__version__}.", end=" ")
    print(f"{EXAMPLES:,} of MNIST's images, {TURNS} turns. `bench_precision.py`.\n")
    print("| network | way | seconds | of float32 on bytes |")
    print("| --- | --- | --- | --- |")
    for title, options in NETWORKS.items():
        times = processor_times(epochs(dataset, options))
        usual = times["float32 on bytes"]
        for name, values in times.items():
            ratio = float(np.median(values / usual))
            print(f"| {title} | {name} | {np.median(values):.3f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
