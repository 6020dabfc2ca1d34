"""Remedies: from changes of options to command-line flags and to sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from dnncli.records import Finding, Remedy
from dnncli.spec import option

# Options whose None means "off"; the other options' None leaves them to their defaults.
SWITCHES = ("max_norm", "clip_value", "clip_norm", "clip_global_norm")
STATISTICS = {
    "delta_ratio": "δ ratio {:.2g}",
    "saturated_fraction": "{:.0%} flat there",
    "largest_saturated_fraction": "at most {:.0%} flat in any layer",
}


def flags(changes: Mapping[str, object]) -> str:
    """Changes as they are typed: `--init critical --lr 0.01`, or `without --max-norm`."""
    return " ".join(_flags(changes))


def _flags(changes: Mapping[str, object]) -> Iterator[str]:
    for name, value in changes.items():
        if isinstance(value, bool):
            switch = name if value else f"no_{name}"
            yield option(switch)
        elif name == "patience" and value is None:
            yield "--patience 0"
        elif value is not None:
            yield f"{option(name)} {_typed(value)}"
    off = [option(name) for name in SWITCHES if name in changes and changes[name] is None]
    if off:
        yield f"without {' '.join(off)}"


def command_line(options: Mapping[str, object]) -> tuple[str, ...]:
    """The words of the command that trains with these options."""
    pairs = (flags({name: value}).split(" ", 1) for name, value in options.items())
    return ("dnncli", "train", *chain.from_iterable(pairs))


def _typed(value: object) -> str:
    """A value as it is typed: sizes between commas, numbers at their shortest."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def sentence(remedy: Remedy, reason: str = "") -> str:
    """A remedy in words: its flags, what theory predicts for them, and the reason given."""
    predicted = [STATISTICS[name].format(value) for name, value in remedy.predicted.items()]
    told = [f"predicted {', '.join(predicted)}"] if predicted else []
    if reason:
        told.append(reason)
    typed = flags(remedy.changes)
    return f"{typed}: {' '.join(told).replace(' ;', ';')}" if told else typed


def finding(
    rule: str,
    layer: str | None,
    evidence: str,
    remedies: Sequence[Remedy],
    reason: str = "",
) -> Finding:
    """A finding with its remedies; its advice is printed from the first one.

    reason: what to say of the first remedy, or what to do where there is none.
    """
    if not remedies:
        return Finding(rule, layer, evidence, reason)
    first = remedies[0]
    return Finding(rule, layer, evidence, sentence(first, reason), first, tuple(remedies[1:]))


def round_down(value: float) -> float:
    """A number with one significant digit that is at most the value: 0.0372 becomes 0.03."""
    digits = f"{value:.15e}"
    return float(f"{digits[0]}e{digits.split('e')[1]}")
