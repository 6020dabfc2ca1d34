"""The tour on a screen: no letter of a sentence is lost, however wide letters and terminal are."""

import io

import pytest
from rich.console import Console

from dnncli.records.tour import StationRecord, ToldObservation
from dnncli.report import sentences, tour

KOREAN = "동결한 층만으로는 부족하다. δ의 비는 첫 스텝 전에 6.5, 열 스텝 뒤에는 2.8이다."
ENGLISH = "Frozen layers alone are not enough: δ falls to 2.8 after ten steps."


def shown(sentence, width):
    told = (ToldObservation("Reuse", True, {}, sentence),)
    station = StationRecord("reuse", "", "", "", (), told, "", "", None, 0.0)
    console = Console(file=io.StringIO(), width=width)
    console.print(*tour.seen(station, sentences.language("ko")), sep="\n")
    return console.file.getvalue()


@pytest.mark.parametrize("sentence", [KOREAN, ENGLISH])
def test_every_letter_of_a_sentence_is_shown_at_every_width(sentence):
    letters = sentence.replace(" ", "")
    for width in range(30, 121):
        assert letters in "".join(shown(sentence, width).split()), width
