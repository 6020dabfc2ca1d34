"""Gradients that batch norm makes grow with depth, and what that did to training.

Before the first step they grow by about 1.2 a layer towards the input (Yang et al. 2019). The first
steps shrink that, so that it is judged by what was learned and not by the first step alone.
"""

import math
from collections.abc import Iterator, Sequence

from dnncli.diagnosis.case import Case
from dnncli.diagnosis.context import delta_ratio
from dnncli.records import Finding, LayerRecord

# A decade from the last hidden layer to the first: less is within what initialisations scatter.
NOTED = 10.0


def per_layer(ratio: float, hidden: int) -> float:
    """The factor a layer that makes a delta ratio over so many hidden layers."""
    return ratio ** (1 / (hidden - 1)) if hidden > 1 else ratio


def times(ratio: float) -> str:
    """A factor as a number of times: two digits, whole numbers from 10 to 100,000."""
    return f"{ratio:,.0f}" if 10 <= ratio < 1e5 else f"{ratio:.2g}"


def notes(case: Case, found: Sequence[Finding]) -> Iterator[str]:
    """What to say of gradients that batch norm made grow, where no finding names them."""
    grown = _grown(case)
    named = any(finding.rule == "exploding" for finding in found)
    if grown is None or named:
        return
    names = [layer.layer for layer in case.initial]
    factor = per_layer(grown, len(names) - 1)
    yield (
        f"batch norm: before any update δ grew {times(grown)} times from {names[-2]} to {names[0]}"
        f" ({factor:.2f} a layer){afterwards(case)}: {_effect(case)}"
    )


def _effect(case: Case) -> str:
    """What that did to training, from the run's own figures."""
    if not case.impaired:
        return "it trains all the same"
    if case.crash is not None or case.learned.accuracy is None:
        return "whether that did harm is not known"
    return f"the network is right on {case.learned.accuracy:.0%} of the held-out examples so far"


def afterwards(case: Case) -> str:
    """How much gradients still grow in the last epoch; empty where batch norm is not the cause."""
    if _grown(case) is None or not case.epochs:
        return ""
    ratio = delta_ratio(case.layers)
    if not math.isfinite(ratio):
        return ""
    return f", in epoch {case.epochs[-1].epoch} {times(ratio)} times"


def _grown(case: Case) -> float | None:
    """The delta ratio before any update, where batch norm makes it large."""
    if not case.run.network.bn or not _several(case.initial):
        return None
    ratio = delta_ratio(case.initial)
    return ratio if NOTED < ratio < math.inf else None


def _several(layers: Sequence[LayerRecord]) -> bool:
    """Whether there are several hidden layers, all of them trained."""
    return len(layers) > 2 and not any(layer.frozen for layer in layers)
