"""Figures for papers, through matplotlib: an optional library, imported when a picture is drawn.

A builder opens a `canvas`, draws with the parts below and returns the figure; `save` writes it.
Sizes are in inches, text is 8 points at the size of print, colours are told apart by everybody.
"""

import importlib.util
import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dnncli import __version__
from dnncli.errors import DnncliError, SpecError
from dnncli.experiments import statistics
from dnncli.report.escaping import escaped
from dnncli.report.merit import ACCURACY, Merit
from dnncli.storage import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
TEXT_WIDTH = 7.0  # of a page
# Okabe & Ito's colours (2008) less yellow, which is too light for lines; dashes tell them apart in
# grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
GREY = "#b8b8b8"
SHORT = 50  # ratio of a logarithmic axis' ends below which 2 and 5 are marked besides powers of ten
FEW_SEEDS = 5  # from which on the band of a learning curve is an interval
TITLE = 94  # characters of a title's line that fit on a page's width
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
    "figure.titlesize": 9,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.hashsalt": "dnncli",  # names of SVG's parts are the same in every run
}


# It comes with matplotlib: the same bytes everywhere. Others are for what it lacks, such as Hangul
# in a column's name, where one of them is installed.
FONT = "DejaVu Sans"
OTHER_FONTS = (
    *("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Nanum Gothic", "Apple SD Gothic Neo"),
    *("AppleGothic", "Malgun Gothic", "UnDotum", "Baekmuk Gulim", "Noto Sans CJK JP"),
    *(
        "Noto Sans CJK SC",
        "WenQuanYi Zen Hei",
        "Hiragino Sans",
        "Microsoft YaHei",
        "Arial Unicode MS",
    ),
)


class Curve(NamedTuple):
    """A line and, where there is one, the interval around it."""

    values: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def check(path: Path, option: str = "--plot") -> None:
    """Fail before the work where the picture could not be drawn after it.

    Raises SpecError for a kind of file that there is not, DnncliError where matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise SpecError(
            f"{option} {files.shown(path)}: a picture is called .svg, .png or .pdf.", option=option
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise DnncliError(
            f"{option} needs matplotlib, which is not installed: pip install 'dnncli[plot]'."
        )


@contextmanager
def canvas(width: float, height: float) -> Iterator["Figure"]:
    """An empty figure, and the style for what is drawn on it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(style()):
        yield Figure(figsize=(width, height))


def style() -> Any:
    """The style, with the fonts that there are; matplotlib types its keys one by one."""
    return {**STYLE, "font.family": list(fonts())}


@cache
def fonts() -> tuple[str, ...]:
    """The font of all pictures, and those installed here that have letters it has not."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (FONT, *(name for name in OTHER_FONTS if name in installed))


@cache
def _letters() -> frozenset[int]:
    """The code points that the fonts have."""
    from matplotlib import font_manager

    files_of_fonts = map(font_manager.findfont, fonts())
    maps = [font_manager.get_font(file).get_charmap() for file in files_of_fonts]
    return frozenset().union(*maps)


def _drawn(letter: str) -> str:
    r"""A letter, or where no font has it its code point (`\ud55c`) rather than an empty square."""
    return letter if ord(letter) in _letters() else ascii(letter).strip("'")


def save(figure: "Figure", path: Path, command: str) -> None:
    """Write a figure whole or not at all, with the command that made it in its metadata.

    The same figure and command always give the same bytes (with the same matplotlib).
    """
    from matplotlib import rc_context

    kind = path.suffix.lower().lstrip(".")
    data = io.BytesIO()
    with rc_context(style()):
        figure.savefig(data, format=kind, metadata=metadata(kind, command))
    files.write(path, data.getvalue())


def metadata(kind: str, command: str) -> dict[str, Any]:
    """What each format calls the maker and the command; no time, so that bytes repeat."""
    made_by = f"dnncli {__version__}"
    line = command if command.isprintable() else ascii(command)
    kinds: dict[str, dict[str, Any]] = {
        "svg": {"Creator": made_by, "Description": line, "Date": None},
        "png": {"Software": made_by, "Description": line},
        "pdf": {"Creator": made_by, "Subject": line, "CreationDate": None},
    }
    return kinds[kind]


def literal(text: str) -> str:
    """A name as it is, on one line: a file called a$b.csv does not hold a formula."""
    return "".join(map(_drawn, escaped(text))).replace("$", r"\$")


def title(figure: "Figure", text: str) -> None:
    """A text above all panels, on two lines where one is too short, and shortened beyond that."""
    lines = textwrap.wrap(
        escaped(text),
        TITLE,
        max_lines=2,
        placeholder=" …",
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    figure.suptitle("\n".join(map(literal, lines)), x=0.008, ha="left")


def curves(
    axes: "Axes", x: Sequence[float], series: Mapping[str, Curve], *, first: int = 0
) -> None:
    """Lines told apart by colour and dashes, counted from `first`, each within its interval.

    A line of one point is drawn as a dot. Names stand in the legend, which the caller places.
    """
    for index, (name, curve) in enumerate(series.items(), first):
        colour = COLOURS[index % len(COLOURS)]
        dashes = DASHES[(index + index // len(COLOURS)) % len(DASHES)]
        marker = "o" if len(x) == 1 else None
        axes.plot(
            x,
            curve.values,
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=3,
            label=literal(name),
        )
        if curve.low is not None and curve.high is not None:
            axes.fill_between(x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.grid(color="#e6e6e6", linewidth=0.5)


def error_axes(axes: "Axes", shown: Merit = ACCURACY) -> None:
    """Axes for learning curves as errors, logarithmic: 97 and 98 % correct are well apart there."""
    axes.set_title("learning")
    axes.set_xlabel("epoch")
    axes.set_ylabel(shown.wrong)
    logarithmic(axes)
    whole_numbers(axes.xaxis)


def learning(
    axes: "Axes",
    name: str,
    merits: Sequence[Sequence[float]],
    examples: int,
    index: int,
    shown: Merit = ACCURACY,
) -> None:
    """A curve of the mean error and its band over seeds, from their validation accuracies or R².

    A seed that stopped counts with its last epoch. An error of 0 is drawn as half an example.
    """
    smallest = shown.factor / 2 / max(examples, 1)
    errors = [_errors(seed, shown) for seed in merits]
    most = shown.factor if shown.unit else math.inf
    points = [_band(values, most) for values in statistics.by_epoch(errors)]
    mean = [max(smallest, middle) for middle, _, _ in points]
    low = [max(smallest, end) for _, end, _ in points]
    high = [max(smallest, end) for _, _, end in points]
    epochs = [float(epoch + 1) for epoch in range(len(points))]
    curves(axes, epochs, {name: Curve(mean, low, high)}, first=index)
    if 1 < len(merits) < FEW_SEEDS:
        axes.set_title("learning  (bands: range)")


def _errors(merits: Sequence[float], shown: Merit) -> list[float]:
    return [shown.factor * (1 - value) for value in merits]


def _band(errors: Sequence[float], most: float) -> tuple[float, float, float]:
    """The mean of errors, and the ends of the band around it, which are positive if the mean is.

    Of few seeds the band is their range: Student's interval of two is 25 standard errors wide. Of
    more it is the interval of the logarithm of the mean, by the delta method.
    """
    mean, _, high = statistics.interval(errors)
    if len(errors) < FEW_SEEDS or high is None or not mean:
        return mean, min(errors), max(errors)
    factor = math.exp((high - mean) / mean)
    return mean, mean / factor, min(most, mean * factor)


def logarithmic(axes: "Axes") -> None:
    """A logarithmic y axis with plain numbers: 0.1, 1, 10; over a short range 2 and 5 too."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    def between(value: float, _: int) -> str:
        low, high = axes.get_ylim()
        leading = round(value / 10.0 ** math.floor(math.log10(value)))
        return f"{value:g}" if high < SHORT * low and leading in (2, 5) else ""

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(between))
    axes.tick_params(axis="y", which="minor", labelsize=7)


def whole_numbers(axis: Any) -> None:
    """Ticks at whole numbers only, since epochs are whole."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, nbins=6))
