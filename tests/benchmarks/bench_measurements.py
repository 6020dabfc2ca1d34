"""What signal to noise, distance from the start and penalties' shares cost; run by hand.

    python tests/benchmarks/bench_measurements.py [--rounds N] [--against FOLDER]

First epochs of the compiled program with these measurements and without them, in two processes that
take their epochs in turn, so that a machine that changes its speed changes it for both; ratios are
of epochs that ran next to each other, in wall time and in processor time. --against also times
whole runs of `dnncli train`, from this checkout and from another one without the measurements.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
# Examples, features, hidden sizes, batch, options of the run.
RECIPES = {
    "digits, the defaults": (1150, 64, (300, 100), 64, {}),
    "digits, l2": (1150, 64, (300, 100), 64, {"l2": 1e-4}),
    "MNIST's size, batches of 50": (55_000, 784, (300, 100), 50, {}),
    "MNIST's size, batches of 200, batch norm": (55_000, 784, (300, 100), 200, {"bn": True}),
}
CLASSES = 10
WARM_UP = 3


def epochs(recipe: str, measured: bool):
    """A function that trains one epoch, as `dnncli train` does."""
    import jax

    from dnncli.nn import layer_stats
    from dnncli.nn.network import kernels_of
    from dnncli.spec import from_options
    from dnncli.training import engine, step
    from dnncli.training.plan import epoch_plan
    from dnncli.training.program import Block, Program, initial_state

    examples, features, hidden, batch, options = RECIPES[recipe]
    spec = from_options({"hidden": hidden, "batch_size": batch, **options})
    program = Program(spec.network, spec.update, batch, layer_stats.measure)
    rng = np.random.default_rng(0)
    x = rng.random((examples, features), np.float32)
    y = rng.integers(0, CLASSES, examples, np.int32)
    blocks = Block(*jax.device_put((x, y))), Block(*jax.device_put((x[:100], y[:100])))
    state = initial_state(program, features, CLASSES, seed=0)
    start = jax.device_put(kernels_of(state.network.parameters))
    if not measured:
        start = None
        empty = engine._empty_log
        engine._empty_log = lambda *arguments: empty(*arguments[:3])
        step._pull = lambda _program, _rate: None
    key = np.zeros(2, np.uint32)
    compiled_epoch = engine.on_devices(engine.epoch, None)

    def epoch(number: int) -> None:
        nonlocal state
        plan = epoch_plan(spec, number, examples)
        state, info = compiled_epoch(program, state, *blocks, key, plan, start)
        jax.device_get(info)

    return epoch


def serve(recipe: str, measured: bool) -> None:
    """Train for each line on stdin so many epochs, and answer with their wall and processor time."""
    epoch = epochs(recipe, measured)
    number = 0
    for line in sys.stdin:
        wall = time.perf_counter()
        processor = time.process_time()
        for _ in range(int(line)):
            epoch(number)
            number += 1
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


def ask(process: subprocess.Popen, count: int) -> tuple[float, float]:
    """The wall and processor time of so many epochs."""
    process.stdin.write(f"{count}\n")
    process.stdin.flush()
    wall, processor = map(float, process.stdout.readline().split())
    return wall, processor


def compare(recipe: str, rounds: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Pairs of times without and with the measurements."""
    command = [sys.executable, __file__, "--serve", recipe]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    pair = [subprocess.Popen([*command, str(kind)], **pipes) for kind in (0, 1)]
    count = 1 if RECIPES[recipe][0] > 10_000 else 20
    times = [tuple(ask(process, count) for process in pair) for _ in range(rounds + WARM_UP)]
    for process in pair:
        process.stdin.close()
        process.wait()
    return times[WARM_UP:]


def whole_runs(against: Path, rounds: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Pairs of times of `dnncli train` from the other checkout and from this one."""
    return [(one_run(against), one_run(ROOT)) for _ in range(rounds + 1)][1:]


def one_run(checkout: Path) -> tuple[float, float]:
    """The wall and processor time of a run with the defaults, programs from the cache."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    with tempfile.TemporaryDirectory() as folder:
        before = os.times()
        command = [sys.executable, "-m", "dnncli", "train", "-q", "--out", "run.ckpt"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        after = os.times()
    processor = after.children_user + after.children_system
    return after.elapsed - before.elapsed, processor - before.children_user - before.children_system


def row(name: str, pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> str:
    """A line of the table: median ratios with their quartiles."""
    cells = []
    for place in (0, 1):
        ratios = [measured[place] / plain[place] for plain, measured in pairs]
        low, middle, high = statistics.quantiles(ratios, n=4)
        cells.append(f"{middle:.3f} ({low:.3f} to {high:.3f})")
    plain = statistics.median(pair[0][1] for pair in pairs)
    return f"| {name} | {plain:.3f} s | {cells[1]} | {cells[0]} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--serve", nargs=2)
    chosen = parser.parse_args()
    if chosen.serve:
        recipe, measured = chosen.serve
        serve(recipe, measured == "1")
        return
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; medians of {chosen.rounds} pairs, quartiles\n")
    print("| run | processor time without | ratio with, processor time | wall time |")
    print("| --- | --- | --- | --- |")
    for recipe in RECIPES:
        print(row(recipe, compare(recipe, chosen.rounds)), flush=True)
    if chosen.against:
        print(row("dnncli train, whole process", whole_runs(chosen.against, chosen.rounds)))


if __name__ == "__main__":
    main()
