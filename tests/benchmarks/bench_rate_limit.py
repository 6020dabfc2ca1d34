"""The learning rate that curvature allows against where training goes wrong; run by hand.

    TF_CPP_MIN_LOG_LEVEL=3 python tests/benchmarks/bench_rate_limit.py [--steps N] [--networks N]

prints the tables of `rate_limit.md` in Markdown. Networks are trained on digits in batches of 64 at
rates spaced by the root of 2 around the limit, all in one program. Three rates are measured:
the least one at which some batch's loss is half as much again as the untrained network's; the
least one from which on the last sixth of the steps has not left the loss of guessing; and the one
with the lowest loss at the end.
"""

import argparse
import math
from itertools import islice, product

import numpy as np

OPTIMIZERS = ("sgd", "momentum", "adam")
ACTS = ("relu", "tanh", "elu", "selu", "swish")
SIZES = ((64,), (100, 100), (32, 16), (64, 64, 64, 64))
SPACING = math.sqrt(2)
BELOW = 10  # rates below the limit: a factor of 32
ABOVE = 14  # and above: 128
RISEN = 1.5  # of the untrained network's loss
LEFT = 0.9  # of the loss of guessing
BATCH = 64


def main() -> None:
    """Print a row for every network and a summary for every optimizer."""
    from dnncli import data
    from dnncli.spec import from_options
    from dnncli.training import sharpness

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--networks", type=int, default=20)
    chosen = parser.parse_args()
    print("| network | optimizer | limit | loss rises | nothing learned | best |")
    print("| --- | --- | --- | --- | --- | --- |")
    ratios: dict[str, list[list[float]]] = {name: [] for name in OPTIMIZERS}
    for place, (hidden, act) in enumerate(islice(product(SIZES, ACTS), chosen.networks)):
        for optimizer in OPTIMIZERS:
            options = {"hidden": hidden, "act": act, "optimizer": optimizer, "seed": place}
            run = from_options(options)
            dataset = data.load(run.data)
            _, measured = sharpness.measure(run, dataset)
            rates = measured.limit * SPACING ** np.arange(-BELOW, ABOVE + 1)
            losses = np.asarray(train(run, dataset, rates, chosen.steps), np.float64)
            found = [rate / measured.limit for rate in thresholds(rates, losses)]
            ratios[optimizer].append(found)
            name = f"{act} {'-'.join(map(str, hidden))}"
            row = " | ".join(f"{ratio:.2g}" for ratio in found)
            print(f"| {name} | {optimizer} | {measured.limit:.2g} | {row} |", flush=True)
    summary(ratios)


def summary(ratios) -> None:
    """Geometric means and ranges of the rates' ratios to the limit."""
    print("\n| optimizer | networks | loss rises | nothing learned | best |")
    print("| --- | --- | --- | --- | --- |")
    for name, rows in ratios.items():
        cells = []
        for values in np.array(rows).T:
            known = values[np.isfinite(values)]
            mean = np.exp(np.mean(np.log(known)))
            cells.append(f"{mean:.2g} ({known.min():.2g} to {known.max():.2g})")
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} |")


def thresholds(rates, losses) -> tuple[float, float, float]:
    """The three rates; inf where there is none."""
    last = losses[:, -max(1, losses.shape[1] // 6) :].mean(axis=1)
    peak = np.where(np.isfinite(losses).all(axis=1), losses.max(axis=1), np.inf)
    risen = np.flatnonzero(peak > RISEN * losses[0, 0])
    learned = np.flatnonzero(last <= LEFT * math.log(10))
    first = rates[risen[0]] if len(risen) else math.inf
    place = learned[-1] + 1 if len(learned) else 0
    least = rates[place] if place < len(rates) else math.inf
    best = rates[np.argmin(np.where(np.isfinite(last), last, np.inf))]
    return float(first), float(least), float(best)


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
