"""The sentence that closes the demonstration."""

import math
from collections.abc import Sequence

from dnncli.records import CaseRecord


def conclusion(cases: Sequence[CaseRecord]) -> str:
    """What the cases show: the worst one, and those of its depth that keep the gradient level."""
    sick = [case for case in cases if case.verdict in ("vanishing", "exploding")]
    if not sick:
        return "In every case the gradient reaches the first layer."
    worst = min(sick, key=_positive_ratio)
    text = f"{worst.short} {_effect(worst)} {worst.depth} layers"
    level = [case for case in cases if case.verdict == "healthy" and case.depth == worst.depth]
    if not level:
        return f"{text}; none of these cases keeps it level."
    same_activation = [case for case in level if case.act == worst.act]
    names = dict.fromkeys(case.short for case in same_activation or level)  # each once
    return f"{text}; the right initialisation or batch norm keeps it level: {', '.join(names)}."


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
