"""The confusion matrix at any width, with few classes and many."""

import io

import pytest
from rich.console import Console

from dnncli.report.confusion import MOST_CLASSES, ConfusionMatrix


def shown(names, counts, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(ConfusionMatrix(names, counts))
    return console.file.getvalue().splitlines()


def matrix(classes, right=40):
    """Every class right but for one example, which is taken for the next class."""
    counts = [[0] * classes for _ in range(classes)]
    for place in range(classes):
        counts[place][place] = right
        counts[place][(place + 1) % classes] = 1
    return counts


def test_few_classes_are_counted():
    lines = shown(["cat", "dog"], [[7, 1], [0, 8]], 80)
    assert lines[0] == "true ↓  predicted →"
    cells = [line.split() for line in lines]
    assert ["cat", "dog"] in cells
    assert ["cat", "7█", "1░"] in cells
    assert ["dog", "·", "8█"] in cells


@pytest.mark.parametrize("classes", [15, 20, 26, MOST_CLASSES])
@pytest.mark.parametrize("length", [1, 12, 40])
def test_many_classes_fit_80_columns_with_a_column_for_each(classes, length):
    names = [f"{place:02d}" + "n" * (length - 2) for place in range(classes)]
    counts = matrix(classes, 400)
    lines = shown(names, counts, 80)
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if "█" in line]
    assert len(rows) == classes
    if any("400" in row for row in rows):
        return  # the counts fit
    cells = [row[-2 * classes :].split() for row in rows]
    for place, row in enumerate(cells):
        expected = ["·"] * classes
        expected[place] = "█"
        expected[(place + 1) % classes] = "░"
        assert row == expected
    tens, ones = lines[1][-2 * classes :], lines[2][-2 * classes :]
    numbers = [f"{tens[k]}{ones[k]}".strip() for k in range(1, 2 * classes, 2)]
    assert numbers == [str(k + 1) for k in range(classes)]


def test_the_largest_confusions_are_named_where_only_shades_fit():
    names = [f"class {letter}" for letter in "abcdefghijklmnopqrst"]
    counts = matrix(20, 10)
    counts[3][7] = 9
    counts[5][1] = 4
    told = " ".join(shown(names, counts, 80))
    assert (
        "most often confused: class d → class h 9 of 20, class f → class b 4 of 15, class" in told
    )


def test_a_perfect_network_is_not_said_to_confuse():
    counts = [[0] * 20 for _ in range(20)]
    for place in range(20):
        counts[place][place] = 1000
    assert "confused" not in " ".join(shown([f"class {k}" for k in range(20)], counts, 80))


def test_a_pipe_has_the_counts_of_all():
    lines = shown([f"class {k}" for k in range(30)], matrix(30), 1000)
    assert sum("40█" in line for line in lines) == 30
