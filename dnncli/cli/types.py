"""Parameter types: finite numbers, lists of sizes, amounts, and names from the catalog."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from dnncli.cli import completion
from dnncli.errors import UnknownNameError
from dnncli.spec import catalog


class Number(click.ParamType):
    """A finite number: unlike click.FLOAT it takes neither nan nor inf."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "X"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse a float and refuse what is not finite."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a number", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Count(click.ParamType):
    """How many of something: a number from 1 on, or a word that stands for one."""

    def __init__(self, what: str, word: str) -> None:
        self.name = what
        self.word = word

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return f"N|{self.word}"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Parse a positive whole number or the word."""
        if value == self.word:
            return self.word
        try:
            count = int(value)
        except (TypeError, ValueError):
            count = 0
        if count < 1:
            what = f"a number of {self.name} from 1 on"
            self.fail(f"{value!r} is neither {what} nor {self.word}", param, ctx)
        return count


class Sizes(click.ParamType):
    """Layer sizes from the input up: `300,100`."""

    name = "sizes"
    is_list = True

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "N,N,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Parse positive whole numbers between commas."""
        parts = value.split(",") if isinstance(value, str) else value
        try:
            sizes = tuple(int(part) for part in parts)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a list of layer sizes such as 300,100", param, ctx)
        if not sizes or min(sizes) < 1:
            self.fail(f"{value!r}: a layer has at least one unit", param, ctx)
        return sizes


class Amount(click.ParamType):
    """A number of examples (`500`) or a fraction of them (`0.1`)."""

    name = "amount"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "N|FRACTION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """Whole numbers are counts, numbers with a point are fractions."""
        if isinstance(value, int | float):
            return value
        try:
            return int(value)
        except ValueError:
            pass
        try:
            fraction = float(value)
        except ValueError:
            fraction = math.nan
        if not 0 < fraction < 1:
            self.fail(
                f"{value!r} is neither a number of examples nor a fraction between 0 and 1",
                param,
                ctx,
            )
        return fraction


UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


class Bytes(click.ParamType):
    """An amount of memory: `800M`, `4G`."""

    name = "size"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse a number of bytes, or of 1,024, 1,024², … of them by the letter after it."""
        found = SIZE.fullmatch(str(value).strip())
        size = float(found[1]) * 1024.0 ** UNITS[found[2].lower()] if found else 0.0
        if size < 1:
            self.fail(f"{value!r} is not an amount of memory such as 800M or 4G", param, ctx)
        return int(size)


class AmountOrFile(click.ParamType):
    """A number of examples, a fraction of them, or else the path of a file that holds them."""

    name = "amount"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "N|FRACTION|FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float | str:
        """A text that is not a number is a path; whether the file exists shows when it is read."""
        try:
            float(value)
        except (TypeError, ValueError):
            return str(value)
        return Amount().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Files."""
        return [CompletionItem(incomplete, type="file")]


class Name(click.ParamType):
    """A name from one of the catalog's tables; aliases resolve, <TAB> completes with summaries."""

    def __init__(
        self, table: Mapping[str, catalog.Entry], what: str, extra: tuple[str, ...] = ()
    ) -> None:
        """`extra` names are taken as they are, besides the table's."""
        self.table = table
        self.name = what
        self.extra = extra

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The canonical name."""
        if value in self.extra:
            return str(value)
        try:
            return catalog.resolve(self.table, str(value), self.name).name
        except UnknownNameError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Every name that starts so, with its summary."""
        known = [(name, entry.summary) for name, entry in self.table.items()]
        known += [
            (alias, f"= {name}") for name, entry in self.table.items() for alias in entry.aliases
        ]
        known += [(name, "chosen for you") for name in self.extra]
        return [
            CompletionItem(name, help=summary)
            for name, summary in known
            if name.startswith(incomplete)
        ]


class Names(Name):
    """Several such names between commas."""

    is_list = True

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "NAME,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The canonical names, in the order given."""
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(super(Names, self).convert(part, param, ctx) for part in parts)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete what stands behind the last comma, with what is not in the list yet."""
        *done, last = incomplete.split(",")
        items = [
            item for item in super().shell_complete(ctx, param, last) if item.value not in done
        ]
        return [CompletionItem(",".join([*done, item.value]), help=item.help) for item in items]


class NamesWithAlpha(Names):
    """Several names that stay as they were typed; a name may carry a number behind a colon."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The names as they were typed, each checked."""
        parts = value.split(",") if isinstance(value, str) else value
        super().convert([part.partition(":")[0] for part in parts], param, ctx)
        return tuple(parts)


class Numbers(Number):
    """Several finite numbers between commas."""

    is_list = True

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What help calls it."""
        return "X,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The numbers, in the order given."""
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(super(Numbers, self).convert(part, param, ctx) for part in parts)


class DataSource(click.ParamType):
    """Data: a name from the catalog or a path; <TAB> completes both."""

    name = "source"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names with their summaries; files where none starts so (Bash wants their item first)."""
        names = [(name, entry.summary) for name, entry in catalog.DATASETS.items()]
        items = [
            CompletionItem(name, help=help) for name, help in names if name.startswith(incomplete)
        ]
        return [CompletionItem(incomplete, type="file"), *items]


class CheckpointFile(click.Path):
    """The path of a checkpoint; <TAB> completes checkpoints where there are any, else files."""

    def __init__(self) -> None:
        """Whether it exists and can be read is found out by reading it."""
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Checkpoints near the path so far."""
        found = completion.checkpoint_files(incomplete)
        return [CompletionItem(name) for name in found] or super().shell_complete(
            ctx, param, incomplete
        )
