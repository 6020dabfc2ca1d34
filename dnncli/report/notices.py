"""What was noticed about the data, in sentences."""

from collections.abc import Callable, Iterable

from dnncli.records import Notice, SourceNote

LISTED = 8  # columns that a sentence names


def sentences(notices: Iterable[Notice]) -> tuple[str, ...]:
    """One sentence a notice, without its full stop."""
    return tuple(map(sentence, notices))


def sentence(notice: Notice) -> str:
    """A notice in words, without a full stop."""
    return SENTENCES[notice.kind](notice)


def _counts(notice: Notice) -> str:
    """`1,836 in workclass, 1,843 in occupation`: the most first, and at most LISTED."""
    ordered = sorted(notice.counts, key=lambda item: -item[1])
    text = ", ".join(f"{count:,} in {name}" for name, count in ordered[:LISTED])
    return text if len(ordered) <= LISTED else f"{text}, … ({len(ordered):,} columns)"


def _names(notice: Notice) -> str:
    """The first columns' names."""
    return ", ".join(name for name, _ in notice.counts[:LISTED])


def _listing(text: str) -> Callable[[Notice], str]:
    """A sentence that ends in counts."""
    return lambda notice: f"{text}: {_counts(notice)}"


def _naming(text: str) -> Callable[[Notice], str]:
    """A sentence that ends in names of columns."""
    return lambda notice: f"{text}{_names(notice)}"


def _of_new_rows(text: str) -> Callable[[Notice], str]:
    """A sentence about values in rows that training did not see."""
    return lambda notice: f"{notice.facts['location']}: values that are {text}: {_counts(notice)}"


def _renamed(notice: Notice) -> str:
    """A column whose name in the file is absent or stands twice."""
    old = notice.facts["old"]
    trouble = f"{old!r} names two columns" if old else "a column has no name"
    return f"{trouble}: one is called {notice.facts['new']!r}"


def _many_levels(notice: Notice) -> str:
    """A text column with nearly as many texts as rows."""
    facts = notice.facts
    return (
        f"{facts['column']}: {facts['different']:,} different texts in {facts['rows']:,} rows say"
        f" little; leave it out with --drop {facts['column']}"
    )


SENTENCES: dict[str, Callable[[Notice], str]] = {
    "renamed": _renamed,
    "missing numbers": _listing(
        "missing numbers take the column's median, and an indicator marks them"
    ),
    "unread": _listing("values that are no numbers count as missing"),
    "missing categories": _listing("missing categories are a level of their own"),
    "empty": _naming("columns without any value are left out: "),
    "many levels": _many_levels,
    "decimal commas": _naming(
        "numbers with a decimal comma are taken as categories: write a point in "
    ),
    "rare levels": _listing("rare levels count as other"),
    "new missing": _of_new_rows(
        "missing, as none was in training (the median, or other, stands for them)"
    ),
    "new text": _of_new_rows("no numbers (taken as missing)"),
    "new large": _of_new_rows("infinite or too large for float32 (taken as missing)"),
    "new other": _of_new_rows(
        "levels that training had not, or too few of (other stands for them)"
    ),
}


SOURCE_NOTES = {
    "input norm folded": "batch norm {module!r} of its inputs is folded into kernel and bias",
    "bias in mean": "the bias before batch norm went into its mean",
    "norm folded": "batch norm {module!r} is folded in: not every hidden layer has one",
}


def source_note(note: SourceNote) -> str:
    """What was done to an external layer's numbers, in a sentence without its full stop."""
    return SOURCE_NOTES[note.kind].format(module=note.module)
