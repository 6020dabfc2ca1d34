"""Theory against measurement in every layer, for every activation and initialiser of the check; run by hand.

    TF_CPP_MIN_LOG_LEVEL=3 python tests/benchmarks/bench_theory.py

prints the table of `theory.md` in Markdown: δ over 10 networks of 10 x 500 (quadratic means)
divided by mean-field theory's, on standardised Gaussian input, through the measurement of `dnncli
vanishing-demo`.
"""

import argparse

import numpy as np

ACTS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "swish", "gelu")
INITS = ("normal", "xavier", "he", "lecun")
DEPTH, WIDTH = 10, 500


def gaussian(examples: int, features: int):
    """A data set of standardised normal features; nothing follows from its labels."""
    from dnncli.data import Dataset, Scaling, Split

    rng = np.random.default_rng(0)
    x = rng.standard_normal((examples, features))
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    split = Split(x, (np.arange(examples) % 10).astype(np.int32))
    scaling = Scaling("none", np.zeros(features, np.float32), np.ones(features, np.float32))
    return Dataset("gaussian", split, split, split, tuple("0123456789"), scaling, "0" * 64, None)


def main() -> None:
    """Print a row for every combination."""
    from dnncli.experiments.vanishing import run as vanishing
    from dnncli.spec import vanishing as cases
    from dnncli.training import compilation_cache

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=784)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=10)
    chosen = parser.parse_args()
    compilation_cache.enable()
    data = gaussian(chosen.batch, chosen.features)
    print(f"{chosen.features} features, a batch of {chosen.batch}, {chosen.seeds} seeds\n")
    print("| case | largest error of a layer | where | δ ratio measured | predicted |")
    print("| --- | --- | --- | --- | --- |")
    for act in ACTS:
        asked = cases.parse_all(",".join(f"{act}:{init}" for init in INITS))
        for case in vanishing.run(
            vanishing.VanishingSpec(asked, (DEPTH,), WIDTH, chosen.seeds), data
        ):
            errors = [
                layer.delta_rms / (layer.predicted_delta_rms or np.nan) - 1 for layer in case.layers
            ]
            worst = int(np.argmax(np.abs(errors)))
            figures = f"{case.delta_ratio:.3g} | {case.predicted_delta_ratio:.3g}"
            where = case.layers[worst].layer
            print(
                f"| {case.case} | {100 * errors[worst]:+.1f} % | {where} | {figures} |", flush=True
            )


if __name__ == "__main__":
    main()
