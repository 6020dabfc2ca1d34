"""The sentence that closes the demonstration, written from its table alone."""

import math
from collections.abc import Sequence

from dnncli.experiments.vanishing.promises import is_level
from dnncli.records import CaseRecord

SICK = ("vanishing", "exploding")


def conclusion(cases: Sequence[CaseRecord]) -> str:
    """What the cases show: the worst one, and those of its depth that keep the gradient level."""
    sick = [case for case in cases if case.verdict in SICK]
    if not sick:
        return _without_sick(cases)
    worst = min(sick, key=_positive_ratio)
    text = f"{worst.short} {_effect(worst)} {worst.depth} layers"
    level = [case for case in cases if _keeps_level(case) and case.depth == worst.depth]
    if not level:
        return f"{text}; none of these cases keeps it level."
    same_activation = [case for case in level if case.act == worst.act]
    named = same_activation or level
    names = dict.fromkeys(map(_name, named))  # each once
    return f"{text}; {_what(named)} keeps it level: {', '.join(names)}."


def _without_sick(cases: Sequence[CaseRecord]) -> str:
    """What to say where no gradient vanishes or explodes."""
    growing = [case for case in cases if case.verdict == "growing"]
    if not growing:
        return "In every case the gradient reaches the first layer."
    worst = max(growing, key=lambda case: case.delta_ratio)
    return f"{worst.short} {_effect(worst)} {worst.depth} layers before the first step."


def _keeps_level(case: CaseRecord) -> bool:
    return case.verdict == "healthy" and is_level(case.delta_ratio)


def _what(level: Sequence[CaseRecord]) -> str:
    """What keeps these cases' gradients level."""
    causes = []
    if not all(case.bn for case in level):
        causes.append("the right initialisation")
    if any(case.bn for case in level):
        causes.append("batch norm")
    return " or ".join(causes)


def _name(case: CaseRecord) -> str:
    """A case, with what it has learned where it was trained."""
    if case.trained is None:
        return case.short
    if case.trained.val_accuracy is None:
        return f"{case.short} (diverged in training)"
    return f"{case.short} (accuracy {case.trained.val_accuracy:.1%})"


def _positive_ratio(case: CaseRecord) -> float:
    """The delta ratio; 0 where it is not a number."""
    return case.delta_ratio if case.delta_ratio > 0 else 0.0


def _effect(case: CaseRecord) -> str:
    """What the case does to its gradient, as the beginning of a sentence about its layers."""
    ratio = case.delta_ratio
    if case.verdict == "vanishing":
        kept = f"{ratio:.0e}" if ratio > 0 else "nothing"
        return f"keeps {kept} of its gradient through"
    if math.isfinite(ratio):
        return f"multiplies its gradient by {ratio:.0e} through"
    return "overflows float32 within"
