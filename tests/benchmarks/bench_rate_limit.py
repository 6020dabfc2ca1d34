"""The learning rate that curvature allows against where training diverges; run by hand.

    TF_CPP_MIN_LOG_LEVEL=3 python tests/benchmarks/bench_rate_limit.py [--steps N] [--networks N]

prints the tables of `rate_limit.md` in Markdown. Networks are trained on digits in batches of 64 at
rates spaced by the root of 2 around the limit, all in one program. A rate diverges where the mean
loss of the last tenth of the steps is above the untrained network's, or is not finite; the measured
limit is the least rate from which on all do.
"""

import argparse
import math
from itertools import islice, product

import numpy as np

OPTIMIZERS = ("sgd", "momentum", "adam")
ACTS = ("relu", "tanh", "elu", "selu", "swish")
SIZES = ((64,), (100, 100), (32, 16), (64, 64, 64, 64))
SPACING = math.sqrt(2)
REACH = 14  # rates on each side of the limit: a factor of 128
BATCH = 64


def main() -> None:
    """Print a row for every network and a summary for every optimizer."""
    from dnncli import data
    from dnncli.spec import from_options
    from dnncli.training import sharpness

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--networks", type=int, default=20)
    chosen = parser.parse_args()
    print("| network | optimizer | limit | diverges at | their ratio |")
    print("| --- | --- | --- | --- | --- |")
    ratios: dict[str, list[float]] = {name: [] for name in OPTIMIZERS}
    for place, (hidden, act) in enumerate(islice(product(SIZES, ACTS), chosen.networks)):
        for optimizer in OPTIMIZERS:
            options = {"hidden": hidden, "act": act, "optimizer": optimizer, "seed": place}
            run = from_options(options)
            dataset = data.load(run.data)
            loss, measured = sharpness.measure(run, dataset)
            rates = measured.limit * SPACING ** np.arange(-REACH, REACH + 1)
            found = least_diverging(run, dataset, rates, loss, chosen.steps)
            ratios[optimizer].append(found / measured.limit)
            name = f"{act} {'-'.join(map(str, hidden))}"
            row = f"{measured.limit:.2g} | {found:.2g} | {found / measured.limit:.2f}"
            print(f"| {name} | {optimizer} | {row} |", flush=True)
    summary(ratios)


def summary(ratios: dict[str, list[float]]) -> None:
    """How often the limit is within a factor of 2 and 4 of the measured one."""
    print("\n| optimizer | networks | within 2 | within 4 | geometric mean of the ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name, values in ratios.items():
        logs = np.abs(np.log2(values))
        shares = [f"{np.mean(logs <= limit):.0%}" for limit in (1, 2)]
        mean = 2 ** np.mean(np.log2(values))
        print(f"| {name} | {len(values)} | {shares[0]} | {shares[1]} | {mean:.2f} |")


def least_diverging(run, dataset, rates, first_loss, steps) -> float:
    """The least rate from which on all diverge; inf where the largest one does not."""
    losses = np.asarray(train(run, dataset, rates, steps), np.float64)
    last = losses[:, -max(1, steps // 10) :].mean(axis=1)
    diverges = ~(last <= first_loss)
    kept = np.flatnonzero(~diverges)
    place = kept[-1] + 1 if len(kept) else 0
    return float(rates[place]) if place < len(rates) else math.inf


def train(run, dataset, rates, steps):
    """Every rate's losses, step by step, from the same network over the same batches."""
    import jax
    import jax.numpy as jnp
    import optax

    from dnncli.nn import network, optimizers, tasks
    from dnncli.training.program import initial_network

    moment = dataset.train.second_moment
    sizes = (dataset.features, dataset.classes, run.seed, moment)
    begun = initial_network(run.network, *sizes).parameters
    rule = optimizers.build(run.update)
    rng = np.random.default_rng(run.seed)
    rows = rng.integers(0, len(dataset.train), (steps, BATCH))
    x = dataset.train.x
    y = dataset.train.y

    def loss(parameters, batch):
        logits, _ = network.apply(run.network, parameters, jnp.take(x, batch, axis=0))
        return jnp.mean(tasks.cross_entropy(logits, jnp.take(y, batch)))

    def one(rate):
        def step(carry, batch):
            parameters, state = carry
            value, gradients = jax.value_and_grad(loss)(parameters, batch)
            directions, state = rule.update(gradients, state, parameters)
            updates = jax.tree.map(lambda direction: -rate * direction, directions)
            return (optax.apply_updates(parameters, updates), state), value

        return jax.lax.scan(step, (begun, rule.init(begun)), rows)[1]

    return jax.jit(jax.vmap(one))(jnp.asarray(rates, jnp.float32))


if __name__ == "__main__":
    main()
