"""The guided tour: a station for each idea of the chapter, and the command lines that it runs.

Data only, so that help and completion know every station without importing JAX.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dnncli.spec.catalog import Entry

LANGUAGES = ("en", "ko")
DATA = ("digits", "mnist")
# What commands are told that would else take the bundled digits; others take a checkpoint's data.
# As many images of each digit as these have: all of MNIST would take minutes a station.
MNIST = {
    "train": " --data mnist --per-class 130",
    "compare-activations": " --data mnist --per-class 130",
    "vanishing-demo": " --data mnist",
}


@dataclass(frozen=True)
class Budget:
    """How much a station trains: seeds of a comparison, and the share of its epochs."""

    seeds: int
    share: float

    def epochs(self, most: int) -> int:
        """Epochs of a run that has `most` of them in full."""
        return math.ceil(self.share * most)


FULL = Budget(seeds=5, share=1.0)
QUICK = Budget(seeds=3, share=0.5)


@dataclass(frozen=True)
class Station(Entry):
    """One idea: its formula in plain text, and the command lines that show it.

    lines: as a shell takes them, with {epochs}, {seeds} and the like where the budget decides, one
    after the other in one folder, so that later ones find the files of earlier ones. epochs: of a
    run in full. drawn: which line's result makes the station's picture.
    """

    formula: str = ""
    lines: tuple[str, ...] = ()
    epochs: int = 0
    drawn: int = 0

    def commands(self, budget: Budget, data: str = "digits") -> tuple[str, ...]:
        """The command lines as they are run on the digits or on MNIST."""
        epochs = budget.epochs(self.epochs)
        # A resumed run goes on for as long again; few examples scatter, and are trained on quickly.
        sizes = {"epochs": epochs, "twice": 2 * epochs, "seeds": budget.seeds}
        lines = [line.format(pairs=2 * budget.seeds, **sizes) for line in self.lines]
        return tuple(lines) if data == "digits" else tuple(map(_on_mnist, lines))


def _on_mnist(line: str) -> str:
    """The command line with MNIST as its data, where it does not take a checkpoint's."""
    _, command, *words = line.split()
    return line if "--resume" in words else line + MNIST.get(command, "")


def _stations(*stations: Station) -> Mapping[str, Station]:
    """Stations by name, in the order of the chapter."""
    return {station.name: station for station in stations}


# Stations share sizes where they can: a program that is compiled for one serves the others.
SIGMOID = "dnncli train --depth 5 --act sigmoid --epochs {epochs}"
RELU = "dnncli train --depth 4 --act relu --optimizer sgd --epochs {epochs}"
ELU = "dnncli train --depth 5 --epochs {epochs}"
UNEQUAL = "dnncli train --hidden 400,100,400,100,400,100,400 --epochs 1"
COMPARE = "dnncli compare-activations --seeds {seeds} --epochs {epochs}"
REUSE = (
    "dnncli transfer known.ckpt --keep 3 --add 20 --per-class 5 --seeds {pairs} --epochs {epochs}"
)

STATIONS = _stations(
    Station(
        "vanishing",
        "The sigmoid's slope is at most 1/4, and the gradient shrinks with every layer",
        formula="y = 1/(1 + e^-z),  dy/dz = y(1 - y) <= 1/4,  |δ_l| <= 1/4 · ||W_l+1|| · |δ_l+1|",
        lines=("dnncli vanishing-demo --cases sigmoid:xavier --seeds {seeds}",),
    ),
    Station(
        "saturation",
        "Weights from N(0, 1) push sigmoid units to where they are flat",
        formula="Var(z) = n · Var(w) · E[a²]:  100 inputs with Var(w) = 1 spread z by ±5 or more",
        lines=(f"{SIGMOID} --init normal --out flat.ckpt",),
        epochs=10,
    ),
    Station(
        "exploding",
        "Gradients that grow towards the input, and what saves the run",
        formula="Var(δ_l) = n · Var(w) · E[φ'(z)²] · Var(δ_l+1):  above 1 a layer it explodes",
        lines=(
            f"{RELU} --lr 0.03 --init normal --out wild.ckpt",
            "dnncli inspect wild.ckpt --steps",
            f"{RELU} --lr 0.03 --init normal --clip-global-norm 10 --out clipped.ckpt",
            f"{RELU} --lr 0.03 --init he --out he.ckpt",
        ),
        epochs=10,
    ),
    Station(
        "initialisation",
        "Xavier and He: variances that are kept forwards and backwards",
        formula="Xavier: Var(w) = 2/(n_in + n_out);  He: Var(w) = 2/n_in;"
        "  uniform on ±r has Var(w) = r²/3",
        lines=(
            "dnncli vanishing-demo --cases"
            " tanh:xavier,tanh:xavier-uniform,relu:he,relu:he-uniform,relu:xavier --seeds {seeds}",
            f"{UNEQUAL} --act identity --init xavier --out xavier.ckpt",
            f"{UNEQUAL} --act relu --init he --out he.ckpt",
        ),
    ),
    Station(
        "activations",
        "LeakyReLU, ELU and Swish: outputs nearer 0, and no dead units",
        formula="LeakyReLU: max(αz, z);  ELU: z if z > 0, else α(e^z - 1);  Swish: z/(1 + e^-z)",
        lines=(f"{COMPARE} --acts relu,leaky-relu,elu,swish",),
        epochs=10,
    ),
    Station(
        "elu",
        "What ELU costs, and what it gains",
        formula="time to an accuracy = epochs to reach it · time of an epoch",
        lines=(f"{COMPARE} --acts relu,elu",),
        epochs=20,
    ),
    Station(
        "early-stopping",
        "Activations compared, each run stopped early",
        formula="stop when the validation loss has not fallen for `patience` epochs; keep the best",
        lines=(f"{COMPARE} --acts sigmoid,tanh,relu,elu --patience 3",),
        epochs=40,
    ),
    Station(
        "batch-norm",
        "Batch normalisation before the activation and on the logits",
        formula="ẑ = γ (z - μ_batch)/√(σ²_batch + 0.001) + β;  moving ← 0.9 moving + 0.1 batch",
        lines=(
            f"{SIGMOID} --out plain.ckpt",
            f"{SIGMOID} --bn --bn-output --out bn.ckpt",
            "dnncli train --depth 10 --act relu --bn --optimizer sgd --lr 1 --batch-size 130"
            " --epochs 1 --out ten.ckpt",
            "dnncli eval ten.ckpt --gradients",
            f"{RELU} --lr 1 --out wild.ckpt",
            f"{RELU} --lr 1 --bn --out fast.ckpt",
            f"{RELU} --lr 0.1 --out rough.ckpt",
            f"{RELU} --lr 0.1 --bn --out smooth.ckpt",
            "dnncli eval rough.ckpt --along-gradient 0.1",
            "dnncli eval smooth.ckpt --along-gradient 0.1",
        ),
        epochs=6,
        drawn=1,
    ),
    Station(
        "moving-variance",
        "Batch norm's moving averages: the mean is right, the variance is off",
        formula="E[μ_batch] = μ,  but  E[σ²_batch] = (n - 1)/n · σ²  for batches of n examples",
        lines=(
            "dnncli train --bn --batch-size 8 --epochs {epochs} --out small.ckpt",
            "dnncli eval small.ckpt --bn-stats all",
        ),
        epochs=4,
    ),
    Station(
        "clipping",
        "Gradient clipping: how often it engages, and in which layer",
        formula="value: g ← min(max(g, -c), c);  norm: g ← g · min(1, c/||g||)",
        lines=(
            f"{RELU} --lr 2 --out unclipped.ckpt",
            f"{RELU} --lr 2 --clip-norm 0.3 --out clipped.ckpt",
            f"{RELU} --lr 0.1 --out calm.ckpt",
            f"{RELU} --lr 0.1 --clip-norm 0.3 --out slowed.ckpt",
        ),
        epochs=6,
        drawn=1,
    ),
    Station(
        "resume",
        "A stored network is restored, and training goes on",
        formula="checkpoint = weights + optimizer state + epoch + seed",
        lines=(
            f"{ELU} --out first.ckpt",
            "dnncli train --resume first.ckpt --epochs {twice} --out more.ckpt",
        ),
        epochs=6,
        drawn=1,
    ),
    Station(
        "names",
        "Names matter: layers and tensors are listed, and reused by name",
        formula="hidden1.kernel, hidden1.bias, …, output.kernel, output.bias",
        lines=(
            f"{ELU} --out named.ckpt",
            "dnncli inspect named.ckpt",
            "dnncli transfer named.ckpt --keep hidden1,hidden2 --classes 5-9 --epochs {epochs}"
            " --no-baseline --seeds 1 --out reused.ckpt",
        ),
        epochs=4,
        drawn=2,
    ),
    Station(
        "reuse",
        "The lower layers of a trained network help with few examples",
        formula="new network = kept layers (trained on, or frozen) + new output layer",
        lines=(
            f"{ELU} --out known.ckpt",
            f"{REUSE} --out trained.ckpt",
            f"{REUSE} --freeze 3 --out frozen.ckpt",
        ),
        epochs=20,
        drawn=1,
    ),
)
