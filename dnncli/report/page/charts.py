"""Pictures as plain data: where lines, points and tiles are drawn, and what they say.

Units are those of an SVG picture WIDTH wide. Colours of lines are numbered; the page's style has
them for both themes. `about` says in words what a picture shows.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dnncli.report.page import scales
from dnncli.report.page.scales import Scale

WIDTH = 360.0
HEIGHT = 220.0
LEFT = 50.0
RIGHT = 350.0
TOP = 10.0
BOTTOM = 182.0
MOST_NAMES = 14  # on the axis of a heat map

Values = Sequence[float | None]


@dataclass(frozen=True)
class Tick:
    """A marked place on an axis."""

    place: float
    label: str


@dataclass(frozen=True)
class Axis:
    """An axis: what it counts, and its marks."""

    label: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Line:
    """A line as an SVG path, with the outline of its interval; of one value a dot."""

    name: str
    path: str
    band: str = ""
    dots: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Dot:
    """A point, with the ends of its interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Plot:
    """Lines and points between two axes. rules: straight lines behind them.

    first: the number of the first line's colour.
    """

    kind: ClassVar[str] = "plot"
    title: str
    about: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    rules: tuple[tuple[float, float, float, float], ...] = ()
    note: str = ""
    first: int = 0


@dataclass(frozen=True)
class Series:
    """Values at 1, 2, …; low, high: their intervals. dotted: points instead of a line."""

    values: Values
    low: Values | None = None
    high: Values | None = None
    dotted: bool = False

    def every(self) -> list[float | None]:
        """All values that have to fit on the axis."""
        return [*self.values, *(self.low or ()), *(self.high or ())]


def curves(
    title: str,
    about: str,
    series: Mapping[str, Series],
    labels: tuple[str, str],
    *,
    logarithmic: bool = False,
    mark: float | None = None,
    names: Sequence[str] = (),
    note: str = "",
    first: int = 0,
    least: float = 0.0,
) -> Plot:
    """Lines over whole numbers from 1. mark: an x behind which a dotted line stands.

    names: what the whole numbers are called. first: the first line's colour. least: what the y axis
    spans at least.
    """
    length = max((len(one.values) for one in series.values()), default=1)
    x = Scale(1 - 0.02 * length, length + 0.02 * length, LEFT, RIGHT)
    values = [value for one in series.values() for value in one.every()]
    y = scales.fitted(values, BOTTOM, TOP, logarithmic=logarithmic, least=least)
    place = x.place(mark)
    rules = () if place is None else ((place, TOP, place, BOTTOM),)
    return Plot(
        title=title,
        about=about,
        x=Axis(labels[0], _numbered(x, length, names)),
        y=_axis(labels[1], y),
        lines=tuple(_line(name, one, x, y) for name, one in series.items()),
        rules=rules,
        note=note,
        first=first,
    )


def _axis(label: str, scale: Scale) -> Axis:
    """The marks of a scale."""
    ticks = []
    for value in scale.ticks():
        place = scale.place(value)
        if place is not None:
            ticks.append(Tick(place, scales.label(value, logarithmic=scale.logarithmic)))
    return Axis(label, tuple(ticks))


def _numbered(x: Scale, length: int, names: Sequence[str]) -> tuple[Tick, ...]:
    """Marks at whole numbers, or at names as many as there is room for."""
    known = names or [str(place + 1) for place in range(length)]
    room = MOST_NAMES if max(map(len, known)) < 4 else scales.TICKS
    every = max(1, math.ceil(length / room))
    places = range(length) if every == 1 else range(every - 1, length, every)
    ticks = [(x.place(place + 1), known[place]) for place in places]
    return tuple(Tick(place, name) for place, name in ticks if place is not None)


def _line(name: str, series: Series, x: Scale, y: Scale) -> Line:
    """A line, broken where a value has no place."""
    points = list(_points(series.values, x, y))
    single = sum(point is not None for point in points) == 1
    if series.dotted or single:
        return Line(name, "", dots=tuple(point for point in points if point is not None))
    return Line(name, _path(points), _band(series, x, y))


def _points(values: Values, x: Scale, y: Scale) -> Iterator[tuple[float, float] | None]:
    """Where values are drawn; None for one that is not."""
    for index, value in enumerate(values):
        across = x.place(index + 1)
        up = y.place(value)
        if across is None or up is None:
            yield None
        else:
            yield across, up


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """An SVG path through the points, anew behind each gap."""
    parts = []
    letter = "M"
    for point in points:
        if point is None:
            letter = "M"
        else:
            parts.append(f"{letter}{point[0]:.1f} {point[1]:.1f}")
            letter = "L"
    return " ".join(parts)


def _band(series: Series, x: Scale, y: Scale) -> str:
    """The outline of an interval; nothing without one."""
    if series.low is None or series.high is None:
        return ""
    low = [point for point in _points(series.low, x, y) if point is not None]
    high = [point for point in _points(series.high, x, y) if point is not None]
    outline = [*high, *reversed(low)]
    return f"{_path(outline)} Z" if len(outline) > 2 else ""


def scatter(
    title: str,
    about: str,
    pairs: Sequence[tuple[float, float]],
    labels: tuple[str, str],
    *,
    intervals: Sequence[tuple[float, float]] = (),
    note: str = "",
) -> Plot:
    """Points, both axes with one scale, and the diagonal where both values are equal."""
    ends = [end for pair in (*pairs, *intervals) for end in pair]
    x = scales.fitted(ends, LEFT, RIGHT)
    y = scales.fitted(ends, BOTTOM, TOP)
    around: Sequence[tuple[float | None, float | None]] = intervals or [(None, None)] * len(pairs)
    dots = [_dot(pair, ends, x, y) for pair, ends in zip(pairs, around, strict=True)]
    return Plot(
        title=title,
        about=about,
        x=_axis(labels[0], x),
        y=_axis(labels[1], y),
        dots=tuple(dot for dot in dots if dot is not None),
        rules=((LEFT, BOTTOM, RIGHT, TOP),),
        note=note,
    )


def _dot(
    pair: tuple[float, float],
    interval: tuple[float | None, float | None],
    x: Scale,
    y: Scale,
) -> Dot | None:
    """A point with its interval; None where it has no place."""
    across = x.place(pair[0])
    up = y.place(pair[1])
    if across is None or up is None:
        return None
    return Dot(across, up, y.place(interval[0]), y.place(interval[1]))
