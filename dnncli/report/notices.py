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


def _encoding(notice: Notice) -> str:
    """Text in another encoding than UTF-8."""
    example = notice.facts["example"]
    shown = f" (it makes {example!r})" if example else ""
    return (
        f"the file is not UTF-8: read as {notice.facts['encoding']}{shown}; say another with"
        " --encoding"
    )


def _above(notice: Notice) -> str:
    """Titles above the table."""
    lines = notice.facts["lines"]
    first = notice.facts["first"]
    many = f"{lines} lines above the table are" if lines != 1 else "1 line above the table is"
    return f"{many} left out, the first {first!r}"


def _comments(notice: Notice) -> str:
    """Comments in a file."""
    mark = notice.facts["mark"]
    text = f"lines that start with {mark!r} are left out as comments"
    header = notice.facts["header"]
    return f"{text}, except {header!r}, which names the columns" if header else text


def _first_line(notice: Notice) -> str:
    """Whether the first line of a file of texts names its columns."""
    line = notice.facts["line"]
    if notice.facts["taken"] == "names":
        return (
            f"the first line, {line}, is taken as the columns' names, since its texts do not occur"
            " below; if it is a row: --no-header"
        )
    return (
        f"the first line, {line}, is taken as a row, since its texts occur below too; if it names"
        " the columns: --header"
    )


def _dropped(notice: Notice) -> str:
    """Columns' names as --drop takes them."""
    return ",".join(_quoted(name) for name, _ in notice.counts)


def _quoted(name: str) -> str:
    """A name in quotes where it has a comma."""
    return f'"{name}"' if "," in name else name


def _sentences(notice: Notice) -> str:
    """A column of free text."""
    column = notice.facts["column"]
    return (
        f"{column} holds sentences, which are not read: every one counts as other; leave it out"
        f" with --drop {column}, or give its words columns of their own"
    )


def _notation(notice: Notice) -> str:
    """Numbers or dates that are written for people."""
    facts = notice.facts
    read = f"{facts['example']} is {facts['value']}"
    if facts["kind"] == "number":
        text = f"read as numbers: {_names(notice)} ({read})"
        other = f"{notice.counts[0][0]}=category"
        return (
            f"{text}; if the comma means something else: --types {other}"
            if facts["other"]
            else text
        )
    text = f"read as dates, {facts['order']}: {_names(notice)} ({read})"
    if facts["other"] in ("", facts["order"]):
        return text
    return (
        f"{text}; every one could be {facts['other']} too: if so, --types"
        f" {notice.counts[0][0]}={facts['other']}"
    )


def _regression(notice: Notice) -> str:
    """A target that --task auto takes as numbers."""
    return (
        f"{_range(notice)}: predicted as a number, a regression; if they are classes: --task"
        " classification"
    )


def _whole_classes(notice: Notice) -> str:
    """A target of numbers that --task auto takes as classes."""
    return f"{_range(notice)}: taken as classes; to predict it as a number: --task regression"


def _range(notice: Notice) -> str:
    """How many different numbers a target holds, and in which range."""
    facts = notice.facts
    held = f"{facts['different']} different numbers from {facts['least']:g} to"
    return f"{facts['column']} holds {held} {facts['greatest']:g}"


def _groups(notice: Notice) -> str:
    """How a split by groups came out."""
    if notice.facts["ordered"]:
        parts = ", ".join(f"{TIMES[part]} {count:,} {DOES[part]}" for part, count in notice.counts)
        return f"split by {notice.facts['column']}: of its times {parts}"
    parts = ", ".join(f"{count:,} {DOES[part]}" for part, count in notice.counts)
    return f"split by {notice.facts['column']}: of its values {parts}, none is in two parts"


DOES = {"train": "train", "validation": "validate", "test": "test"}
TIMES = {"train": "the earliest", "validation": "the next", "test": "the latest"}
COLOURS = {"L": "grey", "RGB": "red, green and blue"}


def _on_disk(notice: Notice) -> str:
    """Training examples that are larger than memory."""
    facts = notice.facts
    return (
        f"{facts['rows']:,} rows take {facts['size']}, more than --memory, {facts['memory']}: they"
        f" are encoded in {facts['folder']} (`dnncli data clear` removes them) and trained on block"
        " by block; what columns are, quartiles, medians and what theory starts from are found on"
        " evenly spread rows, and rows that stand twice are not looked for"
    )


SENTENCES: dict[str, Callable[[Notice], str]] = {
    "groups": _groups,
    "on disk": _on_disk,
    "unseen labels": lambda notice: (
        f"{notice.facts['location']}: rows of classes that training had not, which count as wrong:"
        f" {_counts(notice)}"
    ),
    "regression": _regression,
    "whole classes": _whole_classes,
    "encoding": _encoding,
    "lines above": _above,
    "comments": _comments,
    "first line": _first_line,
    "wrapped lines": lambda notice: (
        "every line is quoted as a whole: the quotes are taken off, and the fields are between"
        f" {notice.facts['delimiter']!r}"
    ),
    "blanks": lambda notice: "the values stand between blanks",
    "trailing delimiters": lambda notice: (
        f"every line ends with {notice.facts['delimiter']!r}, which is left out"
    ),
    "grown": lambda notice: "it grows more than 200 times when it is unpacked, as --memory allows",
    "cut": lambda notice: "the file ends in the middle of a row, which is left out",
    "row names": lambda notice: (
        "rows have one value more than the first line has names: the first is called"
        f" {notice.facts['column']!r}"
    ),
    "renamed": _renamed,
    "images": lambda notice: (
        f"images of {notice.facts['rows']} × {notice.facts['columns']} pixels,"
        f" {COLOURS[str(notice.facts['mode'])]}; a class is a folder"
    ),
    "missing numbers": _listing(
        "missing numbers take the column's median, and an indicator marks them"
    ),
    "unread": _listing("values that are not numbers count as missing"),
    "missing categories": _listing("missing categories are a level of their own"),
    "empty": _naming("columns without any value are left out: "),
    "many levels": _many_levels,
    "sentences": _sentences,
    "codes": lambda notice: (
        f"digits with zeros in front are codes, taken as categories: {_names(notice)}; if they are"
        f" numbers: --types {notice.counts[0][0]}=number"
    ),
    "notation": _notation,
    "mark": lambda notice: (
        f"{notice.facts['mark']} counts as missing: {_counts(notice)};"
        f" if it is a value: --missing {notice.counts[0][0]}=none"
    ),
    "far value": lambda notice: (
        f"{notice.facts['mark']} lies far from all other values: {_counts(notice)}; if it stands"
        f" for missing: --missing {notice.counts[0][0]}={notice.facts['mark']}"
    ),
    "ids": lambda notice: (
        f"columns that only number the rows are left out: {_names(notice)}; to learn from one:"
        f" --types {notice.counts[0][0]}=number"
    ),
    "likely ids": lambda notice: (
        f"columns that seem to be ids: {_names(notice)}; leave them out with --drop"
        f" {_dropped(notice)}"
    ),
    "row order": lambda notice: (
        f"columns that follow the order of the rows: {_names(notice)}; if that means nothing:"
        f" --drop {_dropped(notice)}"
    ),
    "constant": lambda notice: (
        f"columns with one value in every row teach nothing: {_names(notice)}; leave them out with"
        f" --drop {_dropped(notice)}"
    ),
    "twin": lambda notice: (
        f"{notice.counts[0][0]} equals {notice.facts['first']} in every row; leave it out with"
        f" --drop {notice.counts[0][0]}"
    ),
    "answers": lambda notice: (
        f"columns that alone tell the class of every row: {_names(notice)}; if they are not known"
        f" when the class is asked for: --drop {_dropped(notice)}"
    ),
    "nothing to learn": lambda notice: (
        "there is nothing to learn, since every column has one value:"
        f" {notice.facts['share']:.0%} of the rows are {notice.facts['class']!r}"
    ),
    "few rows": lambda notice: (
        f"{notice.facts['classes']:,} classes in {notice.facts['rows']:,} rows: half of them have"
        f" at most {notice.facts['median']:g}, too few to learn from"
    ),
    "effects": lambda notice: (
        f"levels stand for their effect on the target, out of fold: {_counts(notice)}; for a"
        " feature each: --categories one-hot"
    ),
    "rare levels": _listing("rare levels count as other"),
    "new missing": _of_new_rows(
        "missing, as none was in training (the median, or other, stands for them)"
    ),
    "new text": _of_new_rows("not numbers (taken as missing)"),
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
