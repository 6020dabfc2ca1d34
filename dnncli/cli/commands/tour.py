"""`dnncli tour`."""

import os
from pathlib import Path

import click

from dnncli.cli import options, outputs
from dnncli.cli.command import define, section
from dnncli.cli.presenter import Presenter
from dnncli.cli.types import Name
from dnncli.errors import SpecError
from dnncli.spec.tour import DATA, FULL, LANGUAGES, QUICK, STATIONS, Station

EXAMPLES = """
  dnncli tour                                    # thirteen stations
  dnncli tour exploding                          # one of them
  dnncli tour --list
  dnncli tour --quick --from batch-norm
  dnncli tour --lang ko
  dnncli tour --quick --format json | jq .stations
"""

IDEA = Name(STATIONS, "station")


@define("tour", EXAMPLES)
@click.argument("idea", type=IDEA, required=False)
@section(
    "Tour",
    click.option("--from", "first", type=IDEA, help="Go on from this station to the last."),
    click.option(
        "--quick", is_flag=True, help="Fewer epochs and seeds: half of the time, less evidence."
    ),
    click.option("--list", "listed", is_flag=True, help="List the stations, and run nothing."),
    click.option(
        "--data",
        type=click.Choice(DATA),
        help="The images.  [default: mnist where `data fetch mnist` has brought it, else digits]",
    ),
    click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        help="Language of what is explained.  [default: by the locale]",
    ),
)
@section(
    "Output",
    click.option(
        "--plot",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Draw each station that has a picture.  (needs dnncli[plot])",
    ),
    outputs.json_option,
    outputs.overwrite_option,
)
@options.output
def command(
    idea: str | None,
    first: str | None,
    quick: bool,
    listed: bool,
    data: str | None,
    lang: str | None,
    plot: Path | None,
    json_file: Path | None,
    overwrite: bool,
    format_: str,
    quiet: bool,
) -> int:
    """Walk through the chapter on training deep networks: an idea a station, each seen in a run.

    A station asks a question, shows a formula and the commands that answer it, runs them, and says
    what there is to see in their figures, or that it is not to be seen. IDEA visits one station.
    """
    presenter = Presenter("tour", format_, quiet, json_file)
    if idea and first:
        raise SpecError("--from: one station is visited, IDEA; leave out either.", option="--from")
    outputs.Extras(overwrite, json=json_file).check()
    stations = _stations(idea, first)
    spoken = lang or _language()
    from dnncli.cli.running import tour
    from dnncli.data.formats import remote

    if listed:
        return tour.show_list(presenter, stations, spoken)
    pictures = None
    if plot:
        pictures = outputs.PictureFolder(plot, overwrite)
        pictures.check([tour.picture_name(station) for station in stations])
    if data == "mnist":
        remote.check(data)
    at_hand = "mnist" if remote.is_here("mnist") else "digits"
    budget = QUICK if quick else FULL
    return tour.Touring(presenter, stations, budget, spoken, pictures, data or at_hand).run()


def _stations(idea: str | None, first: str | None) -> tuple[Station, ...]:
    """The stations to visit, in their order."""
    if idea:
        return (STATIONS[idea],)
    every = tuple(STATIONS.values())
    return every[list(STATIONS).index(first) :] if first else every


def _language() -> str:
    """Korean in a Korean locale, else English."""
    names = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    spoken = next(filter(None, names), "")
    return "ko" if spoken.startswith("ko") else "en"
