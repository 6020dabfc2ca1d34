"""What there is to choose from: names, one line each, and where it was published.

Data only, so that help, completion and error messages know every activation, initialiser and
optimizer without importing JAX. Each registry that implements one of these tables has exactly
its names; a test holds them equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from dnncli.errors import UnknownNameError, suggestion


@dataclass(frozen=True)
class Entry:
    """One thing to choose: its canonical name, what it is, its source and its other names."""

    name: str
    summary: str
    source: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Activation(Entry):
    """An activation function; `alpha` is its shape's default (None: it has no such parameter)."""

    init: str = "he-normal"  # what `--init auto` takes: the initialiser theory gives for it
    alpha: float | None = None
    bounded: bool = False  # flat on both sides, so that large weights saturate it


@dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule with its default learning rate, momentum and decoupled weight decay.

    `momentum` is None where the rule has no momentum.
    """

    lr: float = 1e-3
    momentum: float | None = None
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Schedule(Entry):
    """A course of the learning rate over a run; `options` are those that only it uses."""

    options: tuple[str, ...] = ()


EntryT = TypeVar("EntryT", bound=Entry)


def _table(*entries: EntryT) -> Mapping[str, EntryT]:
    """Entries by name."""
    return {entry.name: entry for entry in entries}


ACTIVATIONS = _table(
    Activation(
        "identity", "z: a linear layer, no non-linearity", init="lecun-normal", aliases=("linear",)
    ),
    Activation(
        "sigmoid",
        "1/(1+e^-z): saturates at 0 and 1, slope at most 0.25",
        "Rumelhart et al. 1986",
        ("logistic",),
        init="xavier-normal",
        bounded=True,
    ),
    Activation(
        "tanh",
        "tanh z: saturates at -1 and 1",
        "LeCun et al. 1998",
        init="xavier-normal",
        bounded=True,
    ),
    Activation(
        "softsign",
        "z/(1+|z|): saturates slowly",
        "Bergstra et al. 2009",
        init="xavier-normal",
        bounded=True,
    ),
    Activation("softplus", "ln(1+e^z): a smooth ReLU, never 0", "Dugas et al. 2001"),
    Activation("relu", "max(z, 0): units can die", "Nair & Hinton 2010"),
    Activation(
        "leaky-relu",
        "z if z > 0 else alpha*z: units cannot die",
        "Maas et al. 2013",
        ("lrelu",),
        alpha=0.01,
    ),
    Activation(
        "prelu", "leaky ReLU whose slope each unit learns, from alpha", "He et al. 2015", alpha=0.25
    ),
    Activation(
        "elu", "z if z > 0 else alpha*(e^z-1): mean output near 0", "Clevert et al. 2015", alpha=1.0
    ),
    Activation(
        "celu", "ELU made smooth for every alpha: alpha*(e^(z/alpha)-1)", "Barron 2017", alpha=1.0
    ),
    Activation(
        "selu",
        "scaled ELU: activations normalise themselves",
        "Klambauer et al. 2017",
        init="lecun-normal",
    ),
    Activation("gelu", "z*Phi(z), Phi the normal distribution", "Hendrycks & Gimpel 2016"),
    Activation(
        "swish", "z*sigmoid(z): smooth, not monotonic", "Ramachandran et al. 2017", ("silu",)
    ),
    Activation("mish", "z*tanh(softplus(z))", "Misra 2019"),
    Activation(
        "hard-swish",
        "z*clip(z/6+1/2, 0, 1): a cheap swish",
        "Howard et al. 2019",
        ("hard-silu", "hardswish"),
    ),
)

INITIALIZERS = _table(
    Entry("normal", "N(0, 1): the naive choice that saturates or explodes", "Glorot & Bengio 2010"),
    Entry(
        "uniform",
        "U(+-1/sqrt(n_in)): the old standard, variance 1/(3 n_in)",
        "Glorot & Bengio 2010",
    ),
    Entry(
        "xavier-normal",
        "variance 2/(n_in+n_out), truncated normal",
        "Glorot & Bengio 2010",
        ("xavier", "glorot", "glorot-normal"),
    ),
    Entry(
        "xavier-uniform",
        "variance 2/(n_in+n_out), uniform",
        "Glorot & Bengio 2010",
        ("glorot-uniform",),
    ),
    Entry(
        "he-normal",
        "variance 2/n_in, truncated normal",
        "He et al. 2015",
        ("he", "kaiming", "kaiming-normal"),
    ),
    Entry("he-uniform", "variance 2/n_in, uniform", "He et al. 2015", ("kaiming-uniform",)),
    Entry(
        "lecun-normal",
        "variance 1/n_in, truncated normal; what much published chapter code calls He",
        "LeCun et al. 1998",
        ("lecun",),
    ),
    Entry("lecun-uniform", "variance 1/n_in, uniform", "LeCun et al. 1998"),
    Entry("orthogonal", "a random (semi-)orthogonal matrix", "Saxe et al. 2014"),
    Entry(
        "critical",
        "weights and biases solved so that gradients neither vanish nor explode",
        "Schoenholz et al. 2017",
    ),
    Entry("critical-orthogonal", "critical, with orthogonal matrices", "Pennington et al. 2017"),
)

OPTIMIZERS = _table(
    Optimizer("sgd", "stochastic gradient descent", "Robbins & Monro 1951", lr=0.01),
    Optimizer("momentum", "SGD with momentum", "Polyak 1964", lr=0.01, momentum=0.9),
    Optimizer("nesterov", "SGD with Nesterov momentum", "Nesterov 1983", lr=0.01, momentum=0.9),
    Optimizer("adagrad", "steps divided by all past gradients", "Duchi et al. 2011", lr=0.01),
    Optimizer(
        "rmsprop", "steps divided by recent gradients", "Tieleman & Hinton 2012", momentum=0.0
    ),
    Optimizer("adam", "momentum and recent gradients' scale", "Kingma & Ba 2015"),
    Optimizer(
        "adamw", "Adam with decoupled weight decay", "Loshchilov & Hutter 2019", weight_decay=0.01
    ),
    Optimizer("nadam", "Adam with Nesterov momentum", "Dozat 2016"),
    Optimizer("lamb", "Adam with a trust ratio per tensor", "You et al. 2020", lr=0.01),
    Optimizer("lion", "the sign of a momentum", "Chen et al. 2023", lr=1e-4),
)

SCHEDULES = _table(
    Schedule("constant", "the same learning rate throughout"),
    Schedule(
        "exponential", "lr * decay-rate^(step/decay-steps)", options=("decay_rate", "decay_steps")
    ),
    Schedule("cosine", "from lr to 0 along a cosine", "Loshchilov & Hutter 2017"),
    Schedule("one-cycle", "up to lr in the first 30 %, then down to 0", "Smith & Topin 2018"),
)

DATASETS = _table(
    Entry(
        "digits",
        "1,797 images of handwritten digits, 8x8, bundled",
        "UCI optical digits, CC BY 4.0",
    ),
    Entry(
        "mnist",
        "70,000 images of handwritten digits, 28x28 (`data fetch`)",
        "LeCun et al. 1998, CC BY-SA 3.0",
    ),
    Entry(
        "fashion-mnist", "70,000 images of clothes, 28x28 (`data fetch`)", "Xiao et al. 2017, MIT"
    ),
    Entry(
        "kmnist",
        "70,000 images of cursive Japanese, 28x28 (`data fetch`)",
        "Clanuwat et al. 2018, CC BY-SA 4.0",
    ),
)

SCALINGS = _table(
    Entry("auto", "unit for images, standard for everything else"),
    Entry("none", "features as they are"),
    Entry("unit", "divided by the largest magnitude (images: by the largest pixel value)"),
    Entry("standard", "each feature to mean 0 and standard deviation 1 of the training set"),
    Entry("robust", "by median and quartiles, far values bent to 3", "Holzmueller et al. 2024"),
    Entry("piecewise", "pieces between quantiles, each from -1/2 to 1/2", "Gorishniy et al. 2022"),
    Entry("tabular", "piecewise for 1,000 examples or more of up to 100 numbers, else robust"),
)

CATEGORIES = _table(
    Entry("auto", "target for a column of more than 255 levels, else one-hot"),
    Entry("one-hot", "a 0/1 feature for each of the 255 most frequent levels"),
    Entry(
        "target",
        "how far the target's mean at a level lies from its mean, from other rows than a row's own",
        "Micci-Barreca 2001",
    ),
)

PRECISIONS = _table(
    Entry("float32", "every product in float32"),
    Entry("bfloat16", "factors of layers' products rounded to bfloat16, sums in float32"),
)

# What can be found wrong with a run, in the order of causes: a rule explains those below it.
RULES = _table(
    Entry("inputs", "inputs whose scale, offset or constancy keeps a network from learning"),
    Entry("few-examples", "too few rows to learn from, or to say what was learned"),
    Entry("imbalance", "a class so rare that it is not learned"),
    Entry("labels", "labels that the features do not tell"),
    Entry("normalisation", "batch norm over too few examples, or averages that lag behind"),
    Entry("over-regularised", "penalties, limits or dropout stronger than the loss"),
    Entry("under-capacity", "too few units, or a network that is only linear"),
    Entry("vanishing", "gradients shrink towards the input"),
    Entry("exploding", "gradients grow towards the input, or steps as large as the weights"),
    Entry("unpredicted", "theory and measurement disagree before the first step"),
    Entry("diverged", "a loss, gradient or parameter is not finite"),
    Entry("unstable", "steps too large: the loss rises, units die or saturate"),
    Entry("slow", "steps too small for the weights to get anywhere"),
    Entry("stalled", "a layer's steps are lost in float32's rounding"),
    Entry("saturated", "units stuck where the activation is flat"),
    Entry("dead", "units that never respond"),
    Entry("unfinished", "still improving when it stopped"),
    Entry("not-learning", "no better than always answering the largest class"),
    Entry("overfitting", "held-out data get worse while training data get better"),
    Entry("shared-rows", "held-out rows that are among the training rows too"),
)

FORMATS = _table(
    Entry("table", "for people"),
    Entry("json", "one object"),
    Entry("jsonl", "one object a line as things happen"),
    Entry("csv", "the main table"),
)

ROW_FORMATS = _table(
    Entry("csv", "a header line, then a line a row"),
    Entry("jsonl", "an object a row"),
    Entry("json", "one object with all rows"),
    Entry("parquet", "into a file only"),
)


def names(table: Mapping[str, Entry]) -> list[str]:
    """Every name a user may type, aliases after the canonical names."""
    return [*table, *(alias for entry in table.values() for alias in entry.aliases)]


def resolve(table: Mapping[str, EntryT], name: str, what: str, option: str | None = None) -> EntryT:
    """The entry called `name` or one of its aliases, in any case, with any hyphens.

    Raises UnknownNameError with the nearest names and all names there are; `what` is the kind of
    thing in its message, `option` the option that the name was given to.
    """
    wanted = name.strip().lower().replace("_", "-")
    # LeakyReLU, as it is called in Python libraries, is leaky-relu.
    joined = wanted.replace("-", "")
    for entry in table.values():
        known = (entry.name, *entry.aliases)
        if joined in [spelling.replace("-", "") for spelling in known]:
            return entry
    near = suggestion(wanted, names(table), cutoff=0.5)
    hint = f"{near} " if near else ""
    message = f"no {what} is called {name!r}: {hint}There are {', '.join(table)}."
    raise UnknownNameError(message, option=option)
