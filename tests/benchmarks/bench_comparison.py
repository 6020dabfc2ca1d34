"""What a comparison costs: whole commands, and steady epochs of several seeds in one program; run by hand.

    python tests/benchmarks/bench_comparison.py [cold] [ten] [epochs]

cold: the default comparison (8 activations, 5 seeds) with an empty cache. ten: ten seeds in one
command against ten `train` commands, the cache warm for both. epochs: an epoch of 1, 5, 10 and 20
seeds, in turn. Without a name all three. Wall times mean little on a busy machine: processor time
stands beside them.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time

COMMAND = [sys.executable, "-m", "dnncli"]
SEEDS = (1, 5, 10, 20)
ROUNDS = 15


def timed(arguments: list[str], cache: str) -> tuple[float, float]:
    """Wall and processor seconds of a command line as a process of its own."""
    environment = {**os.environ, "DNNCLI_CACHE": cache}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*COMMAND, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cold() -> None:
    """The default comparison, everything to be compiled."""
    with tempfile.TemporaryDirectory() as cache:
        for what in ("empty cache", "warm cache"):
            wall, cpu = timed(["compare-activations", "--format", "json"], cache)
            print(f"8 activations x 5 seeds, {what}: {wall:.1f} s wall, {cpu:.1f} s of processor")


def ten() -> None:
    """One comparison of ten seeds between two halves of ten single runs."""
    with tempfile.TemporaryDirectory() as folder:
        one = ["compare-activations", "--acts", "elu", "--seeds", "10", "--format", "json"]
        single = [
            "train",
            "--act",
            "elu",
            "--format",
            "json",
            "--out",
            f"{folder}/run.ckpt",
            "--overwrite",
        ]
        timed(one, folder), timed(single, folder)  # fill the cache
        runs = [timed([*single, "--seed", str(seed)], folder) for seed in range(5)]
        together = timed(one, folder)
        runs += [timed([*single, "--seed", str(seed)], folder) for seed in range(5, 10)]
    for index, unit in enumerate(("wall", "of processor")):
        separate = sum(run[index] for run in runs)
        ratio = together[index] / separate
        print(
            f"10 seeds together {together[index]:.1f} s {unit}, 10 apart {separate:.1f} s: {ratio:.2f}"
        )


def epochs() -> None:
    """Each number of seeds takes an epoch in turn, so that a machine that slows down does so for all."""
    import jax

    from dnncli import data
    from dnncli.spec import from_options
    from dnncli.training import compilation_cache, seeds
    from dnncli.training.program import Block

    compilation_cache.enable()
    spec = from_options({"act": "elu"})
    dataset = data.load(spec.data)
    blocks = [Block(*jax.device_put((s.x, s.y))) for s in (dataset.train, dataset.validation)]
    convoys = {k: seeds.start(spec, k, dataset) for k in SEEDS}
    programs = {k: seeds.compile_epoch(spec, k, dataset) for k in SEEDS}
    fastest = dict.fromkeys(SEEDS, float("inf"))
    for _ in range(ROUNDS):
        for k in SEEDS:
            steps = seeds.run(convoys[k], *blocks, programs[k])
            began = time.perf_counter()
            next(steps)
            fastest[k] = min(fastest[k], time.perf_counter() - began)
    for k, seconds in fastest.items():
        share = 1000 * seconds / k
        print(
            f"{k:2d} seeds: {1000 * seconds:6.1f} ms an epoch, {share:5.1f} ms a seed, records included"
        )


PARTS = {"cold": cold, "ten": ten, "epochs": epochs}


def main() -> None:
    """Run the parts named, or all."""
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
