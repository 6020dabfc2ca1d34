"""`dnncli data`: which data there are, what they hold, fetching them, and clearing the cache."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import data_options, options
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import DataSource, Name
from dnncli.spec import DataSpec, catalog

if TYPE_CHECKING:
    from dnncli.records import FetchedFile

BUNDLED = ("digits",)

LIST_EXAMPLES = """
  dnncli data list
  dnncli data list --format json | jq -r '.datasets[] | select(.here) | .name'
"""
SHOW_EXAMPLES = """
  dnncli data show adult.csv
  dnncli data show adult.csv --target income --drop id
  dnncli data show flights.parquet --memory 2G
  dnncli data show digits
  dnncli data show adult.csv --format csv > columns.csv
"""
CLEAR_EXAMPLES = """
  dnncli data clear
"""
FETCH_EXAMPLES = """
  dnncli data fetch mnist
  dnncli data fetch kmnist --mirror http://files.example.org/kmnist/
  DNNCLI_CACHE=/scratch/dnncli dnncli data fetch fashion-mnist
"""


@click.group("data")
def command() -> None:
    """See which data there are and what they hold, fetch data sets, and clear what was encoded."""


@define("list", LIST_EXAMPLES)
@options.output
def list_command(format_: str, quiet: bool) -> None:
    """List the data sets that have a name, and whether they are here."""
    from dnncli.data import description
    from dnncli.report import data as report

    record = description.datasets()
    presenter = Presenter("data list", format_, quiet)
    presenter.show(report.list_table, record)
    presenter.end(record, report.list_rows(record))


@define("show", SHOW_EXAMPLES)
@click.argument("data", metavar="NAME|PATH", type=DataSource())
@section("Data", data_options.task)
@data_options.memory
@data_options.tables
@options.output
def show_command(data: str, format_: str, quiet: bool, **given: Any) -> None:
    """Show rows, columns, classes and missing values, and how each column will be encoded."""
    presenter = Presenter("data show", format_, quiet)
    from dnncli.data import description
    from dnncli.report import data as report

    record = description.describe(DataSpec(data=data, **options.run_options(given)))
    presenter.show(report.description, record)
    presenter.notices(record.notices)
    presenter.end(record, report.column_rows(record))


FETCHABLE = {name: entry for name, entry in catalog.DATASETS.items() if name not in BUNDLED}


@define("fetch", FETCH_EXAMPLES)
@click.argument("name", type=Name(FETCHABLE, "data set to fetch"))
@section(
    "From where",
    click.option(
        "--mirror",
        "mirrors",
        multiple=True,
        metavar="URL",
        help="Try this folder first; may be repeated.",
    ),
)
@options.output
def fetch_command(name: str, mirrors: tuple[str, ...], format_: str, quiet: bool) -> None:
    """Fetch a data set into the cache, so that --data NAME works; what is there is only checked.

    Every file's SHA-256 must be right. The cache is dnncli's part of the XDG cache folder, or
    $DNNCLI_CACHE.
    """
    presenter = Presenter("data fetch", format_, quiet)
    from dnncli.data.formats import remote
    from dnncli.records import FetchRecord
    from dnncli.report import data as report

    files = tuple(_fetched(presenter, name, mirrors))
    record = FetchRecord(name, str(remote.folder(name)), files)
    presenter.show(report.fetched, record)
    presenter.end(record, report.fetch_rows(record))


def _fetched(presenter: Presenter, name: str, mirrors: tuple[str, ...]) -> Iterable["FetchedFile"]:
    """The files as they are there, under a bar of kilobytes."""
    from dnncli.data.formats import remote
    from dnncli.records import FetchedFile

    there: dict[str, FetchedFile] = {}
    total = sum(file.bytes for file in remote.REMOTES[name].files)
    with presenter.progress(f"fetching {name}", total // 1024) as bar:
        for step in remote.fetch(name, mirrors):
            file = step.file
            there[file.name] = FetchedFile(file.name, file.bytes, file.sha256, step.mirror)
            bar.advance(f"{file.name}, KB", step.added // 1024)
    return there.values()


@define("clear", CLEAR_EXAMPLES)
@options.output
def clear_command(format_: str, quiet: bool) -> None:
    """Remove examples that `train` has encoded on the disk, since they were larger than --memory.

    They are encoded again where they are needed.
    """
    from dnncli.data.blocks import store
    from dnncli.records import ClearRecord
    from dnncli.report import data as report

    record = ClearRecord(str(store.folder()), *store.clear())
    presenter = Presenter("data clear", format_, quiet)
    presenter.show(report.cleared, record)
    presenter.end(record, report.clear_rows(record))


for subcommand in (list_command, show_command, fetch_command, clear_command):
    command.add_command(subcommand)
