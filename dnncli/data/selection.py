"""`--classes` and `--per-class`: which classes to learn, and from how many examples of each."""

import re
from dataclasses import replace

import numpy as np
from jaxtyping import Int32

from dnncli.data import labels
from dnncli.data.labels import listed
from dnncli.data.source import Table
from dnncli.data.splitting import Parts
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec, option

NUMBER = r"-?\d{1,19}"
RANGE = re.compile(rf"({NUMBER})\s*-\s*({NUMBER})")


def keep(parts: Parts, class_names: tuple[str, ...], text: str) -> tuple[Parts, tuple[str, ...]]:
    """Each split's examples of the classes in `text`, which are counted anew in the data's order.

    Splits come first, so that an example is in the same split whatever classes are kept: a network
    is never tested on what another was trained on. Raises SpecError for unknown classes and for an
    empty split.
    """
    wanted = parse(text, class_names)
    if len(wanted) < 2:
        raise SpecError(
            f"--classes {text}: keeps one class only: there is nothing to tell apart.",
            option="--classes",
        )
    index = np.full(len(class_names), -1, np.int32)
    index[wanted] = np.arange(len(wanted))
    kept = Parts(*(_keep(part, index) for part in parts))
    for name, part in kept._asdict().items():
        if len(part) == 0:
            raise SpecError(
                f"--classes {text}: none of the {name} examples is of these classes.",
                option="--classes",
            )
    return kept, tuple(class_names[label] for label in wanted)


def _keep(part: Table, index: Int32[np.ndarray, " classes"]) -> Table:
    """The examples of kept classes; `index` is a class's new number, -1 where it is not kept."""
    rows = np.flatnonzero(index[part.y] >= 0)
    kept = part.kept(rows)
    return replace(kept, y=index[kept.y])


def parse(text: str, class_names: tuple[str, ...]) -> list[int]:
    """The classes that a list such as `0-4`, `0,1,7` or `cat,dog` names, ascending.

    Raises SpecError, listing the classes there are, for any other.
    """
    found: set[int] = set()
    for token in text.split(","):
        found.update(_matches(token.strip(), text, class_names))
    return sorted(found)


def _matches(token: str, text: str, class_names: tuple[str, ...]) -> list[int]:
    """The classes that one part of the list names."""
    if token in class_names:
        return [class_names.index(token)]
    ends = RANGE.fullmatch(token)
    if ends and set(ends.groups()) <= set(class_names):
        first, last = map(int, ends.groups())
        numbers = {
            label: int(name) for label, name in enumerate(class_names) if re.fullmatch(NUMBER, name)
        }
        if first <= last:
            return [label for label, number in numbers.items() if first <= number <= last]
    raise SpecError(
        f"--classes {text}: no class is called {token!r}; there are {listed(class_names)}.",
        option="--classes",
    )


def per_class(
    table: Table,
    class_names: tuple[str, ...],
    number: int,
    name: str = "per_class",
    what: str = "training",
) -> Table:
    """The first `number` examples of each class, in the order of the data.

    Raises SpecError, with the option's `name`, where a class has fewer.
    """
    counts = np.bincount(table.y, minlength=len(class_names))
    least = int(counts.argmin())
    if counts[least] < number:
        raise SpecError(
            f"{option(name)} {number}: class {class_names[least]!r} has {counts[least]:,} {what}"
            " examples.",
            option=option(name),
        )
    order = np.argsort(table.y, kind="stable")
    rank = labels.ranks(table.y, order)
    return table.take(np.sort(order[rank < number]))


def check_numbers(train: Table, names: tuple[str, ...], location: str) -> None:
    """Raise DataError for a target whose training examples all have the same number."""
    for name, values in zip(names, train.y.T, strict=True):
        if values.min() == values.max():
            raise DataError(
                f"{location}: {name!r} is {values[0]:g} in every training example: there is nothing"
                " to predict."
            )


def refuse_classes(spec: DataSpec) -> None:
    """Raise SpecError for options that choose classes, which a regression has not."""
    for name in ("classes", "per_class", "validation_per_class", "class_weight"):
        value = getattr(spec, name)
        if value is not None:
            raise SpecError(
                f"{option(name)} {value}: a regression has no classes; leave it out, or give"
                " --task classification.",
                option=option(name),
            )


def check(train: Table, class_names: tuple[str, ...], location: str) -> None:
    """Raise DataError unless there are two classes or more, and training examples of each."""
    if len(class_names) < 2:
        raise DataError(
            f"{location}: {class_names[0]!r} is the only class: there is nothing to tell apart."
        )
    counts = np.bincount(train.y, minlength=len(class_names))
    missing = tuple(name for name, count in zip(class_names, counts, strict=True) if count == 0)
    if missing:
        raise DataError(
            f"{location}: no training example is of class {listed(missing)}: leave it out with"
            " --classes."
        )
