"""HTML from blocks: every text is escaped, nothing is fetched, and everything has a name."""

import re

import pytest
from markup import Markup

from dnncli.report.page import charts, colours, heat_maps, rendering
from dnncli.report.page.blocks import (
    Cell,
    Charts,
    Column,
    Command,
    Details,
    Diagnosis,
    Fact,
    Facts,
    Interval,
    Listing,
    Matrix,
    Page,
    Prose,
    Section,
    Source,
    Table,
)
from dnncli.report.page.charts import Series

HOSTILE = (
    "</title></style><script>alert(1)</script>\"'><img src=http://evil.example/x onerror=a()>&amp;"
)


def every_block(text):
    """A block of each kind, with a text in every place that takes one."""
    cell = Cell(text, "good", interval=Interval(0.5, 0.1, 0.9, 0.2))
    shaded = Cell(text, shade="#2166ac", ink="white")
    plot = charts.curves(
        text,
        text,
        {text: Series([1, 2], [0, 1], [2, 3]), "b": Series([3.0])},
        (text, text),
        note=text,
    )
    points = charts.scatter(text, text, [(1, 2)], (text, text), intervals=[(1, 3)])
    heat = heat_maps.heat(
        text, text, {text: [1.0, 2.0]}, [text, text], (text, text), colours.SEQUENTIAL
    )
    blocks = (
        Prose(text, "note"),
        Facts((Fact(text, text, text),)),
        Command(text, text),
        Source(text, text),
        Table(text, (Column(text, numeric=False), Column(text)), ((cell, shaded),), text),
        Matrix(text, (text, "b"), ((1, 2), (0, 4)), ((0.33, 0.67), (0.0, 1.0))),
        Charts((plot, points, heat)),
        Diagnosis(text, text, text, text, text, (text,)),
        Listing((Cell(text, "good"),)),
    )
    return (*blocks, Details(text, blocks))


def page(text):
    sections = tuple(Section(f"s{n}", text, every_block(text)) for n in range(3))
    facts = (Fact(text, text, text),)
    return rendering.html(Page(text, text, text, Cell(text, "bad"), facts, sections))


@pytest.fixture(scope="module")
def hostile():
    return Markup(page(HOSTILE))


def test_hostile_names_are_text_wherever_they_stand(hostile):
    assert hostile.text.count("<script>alert(1)</script>") > 50
    plain = Markup(page("p" * len(HOSTILE)))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    names = {name for _, attributes in hostile.elements for name in attributes}
    assert names == {name for _, attributes in plain.elements for name in attributes}


def test_the_page_fetches_and_runs_nothing(hostile):
    assert hostile.fetched() == []
    assert not hostile.of("script")
    assert not [
        name for _, attributes in hostile.elements for name in attributes if name[:2] == "on"
    ]
    assert not re.search(r"url\(|@import|expression", rendering._environment().globals["style"])
    policy = next(m["content"] for m in hostile.of("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")


def test_pictures_and_tables_have_names_and_headings_have_an_order(hostile):
    tags = [tag for tag, _ in hostile.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.index("h1") < tags.index("h2") < tags.index("h3")
    assert tags.count("caption") == tags.count("table")
    for picture in hostile.of("svg"):
        named = picture.get("role") == "img" and picture["aria-label"]
        assert named or picture["aria-hidden"] == "true"
    assert all(cell["scope"] in ("row", "col") for cell in hostile.of("th"))
    (html,) = hostile.of("html")
    assert html["lang"] == "en"


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_lines_stand_out_from_both_backgrounds_in_both_themes(theme):
    """4.5 to 1 for text and 3 to 1 for lines, as WCAG asks."""
    roots = re.findall(
        r":root \{(.*?)\}", str(rendering._environment().globals["style"]), re.DOTALL
    )
    colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", roots[0]))
    if theme == "dark":
        colour |= dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", roots[1]))
    for back in ("paper", "panel"):
        for front in (
            "ink",
            "faint",
            "accent",
            "good",
            "bad",
            "fair",
            *(f"s{n}" for n in range(6)),
        ):
            light, dark = sorted((luminance(colour[front]), luminance(colour[back])), reverse=True)
            needed = 3.0 if front[0] == "s" else 4.5
            assert (light + 0.05) / (dark + 0.05) >= needed, (front, back)
