"""Steady epochs of the engine against PyTorch eager, and what measuring costs; run by hand.

    python tests/benchmarks/bench_engine.py --torch PYTHON

PYTHON is an interpreter that has torch 2.13.0; without --torch only dnncli's own rows are measured.
Each contender is a process of its own, and they take their epochs in turn, so that a machine that
changes its speed changes it for all; ratios are of epochs that ran next to each other. Data: 55,000
random images of MNIST's size (the time does not depend on what they show).
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import numpy as np

EXAMPLES, FEATURES, CLASSES, SIZES = 55_000, 784, 10, (300, 100)
RECIPES = {"A: batch norm, batch 200": (True, 200), "no batch norm, batch 50": (False, 50)}


def data():
    """The same random images and labels for every contender."""
    rng = np.random.default_rng(0)
    return rng.random((EXAMPLES, FEATURES), np.float32), rng.integers(
        0, CLASSES, EXAMPLES, np.int32
    )


def dnncli_epochs(bn: bool, batch: int, measured: bool):
    """A function that trains one epoch, through the same program as `dnncli train`."""
    import jax

    from dnncli.nn import layer_stats
    from dnncli.spec import from_options
    from dnncli.training import engine
    from dnncli.training.plan import epoch_plan
    from dnncli.training.program import Block, Program, initial_state

    options = {"act": "elu", "init": "lecun-normal", "bn": bn, "bn_output": bn, "hidden": SIZES}
    spec = from_options({**options, "optimizer": "sgd", "lr": 0.01, "batch_size": batch})
    program = Program(spec.network, spec.update, batch, layer_stats.measure if measured else None)
    x, y = data()
    train, validation = (
        Block(*jax.device_put((x, y))),
        Block(*jax.device_put((x[:100], y[:100]))),
    )
    state = initial_state(program, FEATURES, CLASSES, seed=0)
    key = np.zeros(2, np.uint32)
    compiled_epoch = engine.on_devices(engine.epoch, None)

    def epoch(number: int) -> None:
        nonlocal state
        plan = epoch_plan(spec, number, EXAMPLES)
        state, info = compiled_epoch(program, state, train, validation, key, plan)
        jax.device_get(info)

    return epoch


def torch_epochs(bn: bool, batch: int):
    """The same training in PyTorch eager."""
    import torch

    x, y = (torch.tensor(a) for a in data())
    y = y.long()
    layers, fan_in = [], FEATURES
    for units in (*SIZES, CLASSES):
        layers.append(torch.nn.Linear(fan_in, units, bias=not bn))
        layers += [torch.nn.BatchNorm1d(units, eps=1e-3, momentum=0.1)] if bn else []
        layers += [torch.nn.ELU()] if units != CLASSES else []
        fan_in = units
    model, loss = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def epoch(number: int) -> None:
        order = torch.randperm(EXAMPLES)
        for start in range(0, EXAMPLES, batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return epoch


def serve(kind: str, bn: bool, batch: int) -> None:
    """Train an epoch for each line on stdin, and answer with its seconds."""
    epoch = (
        torch_epochs(bn, batch) if kind == "torch" else dnncli_epochs(bn, batch, kind == "measured")
    )
    for number, _ in enumerate(sys.stdin):
        began = time.perf_counter()
        epoch(number)
        print(time.perf_counter() - began, flush=True)


def contender(python: str, kind: str, bn: bool, batch: int) -> subprocess.Popen:
    """A process that serves epochs."""
    command = [python, __file__, "--serve", kind, str(int(bn)), str(batch)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process: subprocess.Popen) -> float:
    """One epoch's seconds."""
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def compare(torch_python: str | None, bn: bool, batch: int, rounds: int) -> dict[str, list[float]]:
    """Every contender's epochs, taken in turn; the first two of each (compilation, warm-up) not counted."""
    pythons = {
        "plain": sys.executable,
        "measured": sys.executable,
        **({"torch": torch_python} if torch_python else {}),
    }
    processes = {kind: contender(python, kind, bn, batch) for kind, python in pythons.items()}
    times: dict[str, list[float]] = {kind: [] for kind in processes}
    for number in range(rounds + 2):
        for kind, process in processes.items():
            seconds = ask(process)
            if number >= 2:
                times[kind].append(seconds)
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return times


def ratio(above: list[float], below: list[float]) -> str:
    """Median of the paired ratios, with the least and the largest."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", nargs=3)
    arguments = parser.parse_args()
    if arguments.serve:
        kind, bn, batch = arguments.serve
        return serve(kind, bool(int(bn)), int(batch))
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}; medians of {arguments.rounds} epochs, in turn\n")
    print("| recipe | measured | plain | PyTorch | PyTorch / measured | measured / plain |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (bn, batch) in RECIPES.items():
        times = compare(arguments.torch, bn, batch, arguments.rounds)
        medians = {kind: f"{statistics.median(values):.3f} s" for kind, values in times.items()}
        against = ratio(times["torch"], times["measured"]) if arguments.torch else "-"
        cost = ratio(times["measured"], times["plain"])
        row = (
            name,
            medians["measured"],
            medians["plain"],
            medians.get("torch", "-"),
            against,
            cost,
        )
        print(f"| {' | '.join(row)} |", flush=True)
    return None


if __name__ == "__main__":
    main()
