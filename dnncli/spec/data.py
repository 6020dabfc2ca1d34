"""Which examples a run learns from, how they are split and how they are scaled."""

from dataclasses import dataclass

from dnncli.spec import catalog, checks, objective

Amount = int | float  # a count of examples (int) or a share of them (float in (0, 1))


TEXTS = (
    *("target", "drop", "types", "missing", "where", "delimiter", "encoding", "label_strip"),
    *("class_weight", "weight", "group", "time"),
)


@dataclass(frozen=True)
class DataSpec:
    """Which examples, split and scaled how."""

    data: str = "digits"
    target: str | None = None
    drop: str | None = None
    types: str | None = None
    where: str | None = None
    delimiter: str | None = None
    header: bool | None = None  # None: found from the file
    encoding: str | None = None  # None: found from the file
    missing: str | None = None
    label_strip: str | None = None
    validation: Amount | str | None = (
        None  # text: the path of a table of its own, as of the test set
    )
    test: Amount | str | None = None
    scale: str = "auto"
    classes: str | None = None
    per_class: int | None = None
    validation_per_class: int | None = None
    weight: str | None = None  # the column of examples' weights in the loss
    class_weight: str | None = None  # balanced, or NAME=W,…
    group: str | None = None  # the column whose rows of one value are in one part of a split
    time: str | None = None  # the column whose latest rows validate and test
    split_seed: int | None = None  # None: rows are drawn by their places, always the same
    task: str = "auto"
    categories: str = "auto"
    memory: int | None = None  # bytes beyond which examples stay on the disk; None: they did not

    def __post_init__(self) -> None:
        """Resolve names and check amounts."""
        scaling = catalog.resolve(catalog.SCALINGS, self.scale, "scaling", "--scale")
        task = catalog.resolve(objective.TASKS, self.task, "task", "--task")
        categories = catalog.resolve(
            catalog.CATEGORIES, self.categories, "way of categories", "--categories"
        )
        checks.fill(self, scale=scaling.name, task=task.name, categories=categories.name)
        for name in TEXTS:
            text = getattr(self, name)
            checks.check(
                text is None or (isinstance(text, str) and text != ""), name, text, "some text"
            )
        checks.check(
            self.group is None or self.time is None,
            "time",
            self.time,
            "given without --group: rows are split by one column",
        )
        for name in ("validation", "test"):
            _check_amount(name, getattr(self, name))
        if self.delimiter is not None:
            checks.fill(self, delimiter=self.delimiter.replace("\\t", "\t"))
            checks.check(
                len(self.delimiter) == 1 and self.delimiter not in '"\r\n',
                "delimiter",
                repr(self.delimiter),
                "one character, no quote",
            )
        checks.check_number(self, "split_seed", lambda n: 0 <= n < 2**32, "in [0, 2^32)")
        checks.check_number(self, "memory", lambda n: n >= 1, "at least 1 byte")
        checks.check_numbers(self, "per_class validation_per_class", lambda n: n >= 1, "at least 1")


def _check_amount(name: str, amount: Amount | str | None) -> None:
    """Raise SpecError unless it is a number of examples or a share of them."""
    if isinstance(amount, str):
        checks.check(amount != "", name, repr(amount), "a number of examples, a fraction or a file")
    elif isinstance(amount, float):
        checks.check(
            0 < amount < 1, name, amount, "a number of examples or a fraction between 0 and 1"
        )
    elif amount is not None:
        checks.check(amount >= 1, name, amount, "at least 1 example")
