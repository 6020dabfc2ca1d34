"""What can be the matter, and which rules name it: the one place that knows the rules' names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Truth:
    """A true cause. `rules`: any of them names it, the first is the one that is meant for it.

    `symptoms`: what may be seen too, but is explained by the cause and must not stand first.
    `constant_answer`: whether "activation and learning rate" would name it.
    """

    rules: tuple[str, ...]
    symptoms: tuple[str, ...] = ()
    constant_answer: bool = False


TRUTHS = {
    # data
    "inputs-scale": Truth(("inputs",), ("exploding", "dead", "unstable", "saturated")),
    "inputs-constant": Truth(("inputs",), ("not-learning", "stalled")),
    "inputs-row-number": Truth(("inputs",), ("labels", "not-learning")),
    "inputs-leak": Truth(("inputs",), ("overfitting",)),
    "labels-random": Truth(("labels", "not-learning"), ("overfitting",)),
    "labels-noisy": Truth(("labels",), ("overfitting",)),
    "labels-doubled": Truth(("labels",), ("overfitting",)),
    "rare-class": Truth(("imbalance",), ("not-learning",)),
    "few-rows": Truth(("few-examples",), ("overfitting", "unfinished", "labels")),
    # configuration
    "clipped": Truth(("slow", "stalled"), ("not-learning", "unfinished")),
    "schedule": Truth(("slow", "unfinished"), ("not-learning", "stalled")),
    "penalty": Truth(("over-regularised",), ("vanishing", "dead", "not-learning")),
    "dropout": Truth(("over-regularised",), ("not-learning", "slow")),
    "normalisation": Truth(("normalisation",), ("vanishing", "not-learning", "dead")),
    "linear": Truth(("under-capacity",), ("not-learning", "vanishing"), True),
    "bottleneck": Truth(("under-capacity",), ("dead", "not-learning", "slow", "unfinished")),
    # initialisation
    "init-large": Truth(("exploding", "saturated"), ("unstable", "dead", "vanishing")),
    "init-small": Truth(("vanishing",), ("not-learning", "slow")),
    # steps
    "rate-large": Truth(
        ("unstable", "exploding"), ("dead", "vanishing", "saturated", "not-learning"), True
    ),
    "rate-small": Truth(("slow", "stalled"), ("unfinished", "not-learning"), True),
    "epochs": Truth(("unfinished", "slow"), ("not-learning",)),
}

RULES = (
    *("inputs", "few-examples", "imbalance", "labels"),
    *("normalisation", "over-regularised", "under-capacity"),
    *("vanishing", "exploding", "saturated", "dead", "stalled", "unpredicted", "diverged"),
    *("unstable", "slow", "unfinished", "not-learning", "overfitting"),
)
CONSTANT_CHANGES = {"act": "elu", "alpha": None, "lr": None}  # None: the default
