"""The tour's sentences: complete in every language, and with the figures as they are."""

import dataclasses
import re
import string
from typing import get_args

import pytest

from dnncli.experiments.tour.observing import OBSERVE
from dnncli.records import tour
from dnncli.report import sentences
from dnncli.spec.tour import FULL, LANGUAGES, STATIONS

OBSERVATIONS = get_args(tour.Observation)
SPOKEN = {name: sentences.language(name) for name in LANGUAGES}


def fields(template):
    """The figures that a sentence shows, each with its format."""
    return [(name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_station_and_observation_has_its_sentences_and_there_are_no_others(lang):
    spoken = SPOKEN[lang]
    assert set(spoken.words) == set(SPOKEN["en"].words)
    assert set(spoken.stations) == set(STATIONS) == set(OBSERVE)
    assert set(spoken.observations) == {kind.__name__ for kind in OBSERVATIONS}
    for name, texts in spoken.stations.items():
        assert {"question", "exercise", "answer"} <= set(texts), name
        assert spoken.title(STATIONS[name])
    for name, pair in spoken.observations.items():
        assert set(pair) == {"shown", "otherwise"}, name
        assert pair["shown"] != pair["otherwise"]


def test_every_korean_title_is_korean():
    for station in STATIONS.values():
        assert re.search("[가-힣]", SPOKEN["ko"].title(station)), station.name


@pytest.mark.parametrize("kind", OBSERVATIONS, ids=lambda kind: kind.__name__)
def test_languages_show_the_same_figures_of_an_observation(kind):
    own = {field.name for field in dataclasses.fields(kind)} - {"shown"}
    for which in ("shown", "otherwise"):
        told = [fields(spoken.observations[kind.__name__][which]) for spoken in SPOKEN.values()]
        names = [{name for name, _ in pairs} for pairs in told]
        assert names[0] == names[1] <= own
        assert {spec for pairs in told for _, spec in pairs} <= set(sentences.FORMATS)


@pytest.mark.parametrize(
    ("spec", "value", "written"),
    [
        ("number", 0.2352, "0.24"),
        ("number", 322.3, "322"),
        ("number", 4.8e7, "4.8e+07"),
        ("number", 0.0, "0"),
        ("number", float("inf"), "inf"),
        ("sci", 1.1e-12, "1.1e-12"),
        ("signed", -0.271, "-0.27"),
        ("percent", 0.071, "7.1 %"),
        ("points", 0.9667, "96.7 %"),
        ("hundredths", 0.96667, "96.67 %"),
        ("third", 0.8593, "0.859"),
        ("count", 609967.2, "609,967"),
        ("factors", (1.6, 0.4, 0.998), "1.6, 0.4, 1"),
        ("span", -0.0712, "-71 ms"),
        ("span", 2.5, "+2.5 s"),
        ("step", 6, ", step 6,"),
        ("step", 0, ""),
        ("step_ko", 6, " 스텝 6"),
    ],
)
def test_a_figure_is_written_as_its_format_says(spec, value, written):
    assert sentences.FORMATS[spec](value) == written


def test_what_is_told_depends_on_whether_it_is_shown():
    seen = tour.GradientExplodes(True, 4, 322.3)
    unseen = dataclasses.replace(seen, shown=False, ratio=1.2)
    for spoken in SPOKEN.values():
        texts = spoken.observations["GradientExplodes"]
        told = sentences.told(seen, spoken)
        assert (told.observation, told.shown) == ("GradientExplodes", True)
        assert told.figures == {"depth": 4, "ratio": 322.3}
        assert told.sentence == texts["shown"].replace("{depth}", "4").replace(
            "{ratio:number}", "322"
        )
        other = sentences.told(unseen, spoken).sentence
        assert other == texts["otherwise"].replace("{depth}", "4").replace("{ratio:number}", "1.2")


def test_the_formulas_and_answers_are_right():
    """What exercises claim, by the numbers in their answers."""
    answers = {name: texts["answer"] for name, texts in SPOKEN["en"].stations.items()}
    assert 0.25**12 == 2**-24
    assert "0.0066" in answers["saturation"]
    assert pytest.approx(0.0066, abs=1e-4) == 0.9933 * (1 - 0.9933)
    assert f"{50**0.5:.1f}" in answers["exploding"]
    assert f"{(3 * 2 / 400) ** 0.5:.3f}" in answers["initialisation"]
    assert f"{2 / 300:.4f}" in answers["initialisation"]
    assert f"{2.718281828**-2 - 1:.3f}" in answers["activations"]
    assert f"{1 / (1 + 0.001) ** 0.5:.4f}" in answers["batch-norm"]
    assert f"{100 * 20 + 20 + 20 * 10 + 10:,}" in answers["reuse"]
    for name, text in answers.items():
        numbers = re.findall(r"\d[\d.,]*\d|\d", text)
        korean = re.findall(r"\d[\d.,]*\d|\d", SPOKEN["ko"].stations[name]["answer"])
        assert set(numbers) - {"12"} <= set(korean) | set("0123"), name


def test_command_lines_are_those_of_the_budget():
    (line,) = STATIONS["elu"].commands(FULL)
    assert line == "dnncli compare-activations --seeds 5 --epochs 20 --acts relu,elu"
    half = STATIONS["resume"].commands(dataclasses.replace(FULL, share=0.5))
    assert [line.split("--epochs ")[1].split()[0] for line in half] == ["3", "6"]
