"""The tour's sentences in a language: read from its file, with figures written into them."""

import dataclasses
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from dnncli.records.tour import Observation, ToldObservation
from dnncli.report import text
from dnncli.spec.tour import Station


@dataclass(frozen=True)
class Language:
    """What a file of a language holds.

    words: of the tour itself. stations: by name, each with its question, exercise and answer.
    observations: by the record's name, each with a sentence for what is shown and one otherwise.
    """

    words: Mapping[str, str]
    stations: Mapping[str, Mapping[str, str]]
    observations: Mapping[str, Mapping[str, str]]

    def title(self, station: Station) -> str:
        """A station's title; English ones stand in the catalog of stations."""
        return self.stations[station.name].get("title", station.summary)


@cache
def language(name: str) -> Language:
    """The language of that name: `en` or `ko`."""
    document = files("dnncli.report.languages").joinpath(f"{name}.toml").read_text("utf-8")
    return Language(**tomllib.loads(document))


def number(value: float) -> str:
    """Two significant digits, a power of ten where the number is far from 1."""
    if value and not 0.001 <= abs(value) < 10_000:
        return text.scientific(value)
    return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"


def difference(value: float) -> str:
    """A difference of durations, with its sign."""
    sign = "-" if value < 0 else "+"
    return sign + text.seconds(abs(value))


# How figures are written, by what stands behind the colon.
FORMATS: Mapping[str, Callable[[Any], str]] = {
    "": str,
    "number": number,
    "sci": text.scientific,
    "small": lambda value: f"{value:.5f}",
    "third": lambda value: f"{value:.3f}",
    "signed": lambda value: f"{value:+.2f}",
    "factors": lambda values: ", ".join(map(number, values)),
    "percent": text.percent,
    "points": lambda value: f"{100 * value:.1f} %",
    "hundredths": lambda value: f"{100 * value:.2f} %",
    "seconds": text.seconds,
    "span": difference,
    "count": lambda value: f"{value:,.0f}",
    "step": lambda value: f", step {value}," if value else "",
    "step_ko": lambda value: f" 스텝 {value}" if value else "",
}


class _Figures(string.Formatter):
    """Braces with the formats above."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return FORMATS[format_spec](value)


def told(observation: Observation, spoken: Language) -> ToldObservation:
    """An observation with the sentence that its figures make."""
    figures = dataclasses.asdict(observation)
    shown = figures.pop("shown")
    name = type(observation).__name__
    sentences = spoken.observations[name]
    template = sentences["shown"] if shown else sentences["otherwise"]
    return ToldObservation(name, shown, figures, _Figures().vformat(template, (), figures))
