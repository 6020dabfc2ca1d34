"""`tour` from the shell: its formats and languages, where it begins and how it is left."""

import csv
import io
import os
import signal

import pytest
from rich.cells import cell_len
from shell import environment, refused, run, start, strict

from dnncli.cli.running import tour as running
from dnncli.data.formats import remote
from dnncli.errors import ExitCode
from dnncli.records import tour
from dnncli.report import sentences
from dnncli.spec.tour import FULL, LANGUAGES, QUICK, STATIONS

NAMES = list(STATIONS)
SEEN = tour.GradientExplodes(True, 4, 322.3)
UNSEEN = tour.NormLevels(False, 5, 0.9, 1.5)


@pytest.fixture
def ran(monkeypatch):
    """The command lines that stations run, which here are only noted down and print their name."""
    lines = []

    def invoke(words):
        lines.append(words)
        print(f"<output of {words[0]}>")
        return 0, None

    monkeypatch.setattr(running.program, "invoke", invoke)
    observe = {name: lambda records: iter([SEEN, UNSEEN]) for name in STATIONS}
    monkeypatch.setattr(running, "OBSERVE", observe)
    return lines


def toured(*arguments):
    result = run("tour", *arguments)
    assert result.code == 0, result.err
    return result


def test_every_station_shows_what_it_runs_and_what_is_seen(ran):
    result = toured()
    lines = [line for station in STATIONS.values() for line in station.commands(FULL)]
    assert [" ".join(("dnncli", *words)) for words in ran] == [
        line.replace('"', "").replace("'", "") for line in lines
    ]
    assert [line[2:] for line in result.out.splitlines() if line.startswith("$ ")] == lines
    spoken = sentences.language("en")
    for name, station in STATIONS.items():
        for text in (spoken.title(station), *spoken.stations[name].values(), station.formula):
            assert text in result.out
    assert result.out.count(f"✓ {sentences.told(SEEN, spoken).sentence}") == len(NAMES)
    assert result.out.count(f"– {sentences.told(UNSEEN, spoken).sentence}") == len(NAMES)
    assert "<output of train>" in result.out


def test_json_has_stations_with_figures_and_no_other_output(ran):
    told = toured("--quick", "--format", "json").json
    assert (told["command"], told["schema"]) == ("tour", 1)
    assert told["config"] == {"ideas": NAMES, "quick": True, "lang": "en", "data": "digits"}
    assert [station["idea"] for station in told["stations"]] == NAMES
    for station in told["stations"]:
        assert station["commands"] == list(STATIONS[station["idea"]].commands(QUICK))
        first, second = station["observations"]
        assert first["observation"] == "GradientExplodes"
        assert (first["shown"], first["figures"]) == (True, {"depth": 4, "ratio": 322.3})
        assert (second["observation"], second["shown"]) == ("NormLevels", False)
        assert station["answer"]
        assert station["seconds"] >= 0


def test_mnist_is_used_where_it_is_at_hand_unless_digits_are_asked_for(ran, monkeypatch):
    monkeypatch.setattr(remote, "is_here", lambda name: name == "mnist")
    told = toured("--format", "json").json
    assert told["config"]["data"] == "mnist"
    lines = [line for station in told["stations"] for line in station["commands"]]
    for line in lines:
        _, command, *words = line.split()
        draws = command in ("train", "compare-activations", "vanishing-demo")
        assert ("--data mnist" in line) == (draws and "--resume" not in words)
        # Few enough for seconds, and where `transfer` has its own number that one alone.
        assert line.count("--per-class") <= 1
    asked = toured("--data", "digits", "--format", "json").json
    assert asked["config"]["data"] == "digits"
    assert "mnist" not in " ".join(asked["stations"][0]["commands"])


def test_mnist_that_is_not_here_is_said_before_any_station(ran):
    assert "run `dnncli data fetch mnist`" in refused(1, "tour", "--data", "mnist")
    assert not ran


def test_json_lines_come_station_by_station(ran):
    first, *stations, last = map(strict, toured("--format", "jsonl").out.splitlines())
    assert (first["event"], last["event"]) == ("start", "end")
    assert [station["event"] for station in stations] == ["station"] * len(NAMES)
    assert "stations" not in last


def test_csv_has_a_row_for_each_observation(ran):
    rows = list(csv.DictReader(io.StringIO(toured("elu", "--format", "csv").out)))
    assert [(row["idea"], row["observation"], row["shown"]) for row in rows] == [
        ("elu", "GradientExplodes", "True"),
        ("elu", "NormLevels", "False"),
    ]


def test_one_station_or_those_from_one_on_are_visited(ran):
    assert "Station 6 of 13 · elu" in toured("elu").out
    told = toured("--from", "names", "--format", "json").json
    assert told["config"]["ideas"] == ["names", "reuse"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["elo"], "did you mean 'elu'?"),
        (["--from", "nowhere"], "no station is called 'nowhere'"),
        (["elu", "--from", "names"], "--from: one station is visited, IDEA"),
        (["--lang", "de"], "'de' is not one of 'en', 'ko'"),
        (["--lr", "1"], "No such option"),
    ],
)
def test_a_mistake_is_one_line(options, message):
    assert message in refused(2, "tour", *options)


@pytest.mark.parametrize(
    ("variables", "korean"),
    [
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "ko_KR.UTF-8"}, True),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, False),
        ({}, False),
    ],
)
def test_the_language_is_the_locales(variables, korean, monkeypatch):
    for name in ("LANG", "LC_MESSAGES", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    listed = toured("--list").out
    assert ("기울기" in listed) == korean


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_has_every_station_and_runs_nothing(lang, ran):
    told = toured("--list", "--lang", lang, "--format", "json").json
    spoken = sentences.language(lang)
    assert [(entry["idea"], entry["title"]) for entry in told["stations"]] == [
        (name, spoken.title(station)) for name, station in STATIONS.items()
    ]
    assert not ran


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(lang, columns, ran, monkeypatch):
    """Hangul is two columns wide; commands alone stay whole, so that they can be copied."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = toured("--lang", lang).out.splitlines()
    wide = [line for line in lines if cell_len(line) > columns]
    assert not [line for line in wide if not line.startswith("$ dnncli ")]


def test_pictures_are_drawn_by_the_commands_that_are_shown(ran, tmp_path):
    folder = tmp_path / "made" / "pictures"
    told = toured("exploding", "--plot", folder, "--format", "json").json
    (station,) = told["stations"]
    assert station["picture"] == str(folder / "03-exploding.png")
    assert station["commands"][0].endswith(f" --plot {folder}/03-exploding.png")
    assert ran[0][-2:] == ["--plot", str(folder / "03-exploding.png")]
    (folder / "03-exploding.png").touch()
    assert "give --overwrite" in refused(2, "tour", "exploding", "--plot", folder)
    toured("exploding", "--plot", folder, "--overwrite")
    assert ran[-4][-1] == "--overwrite"


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_a_command_that_a_signal_ended_ends_the_tour(code, ran, monkeypatch):
    def invoke(words):
        return (code if words[0] == "inspect" else 0), None

    monkeypatch.setattr(running.program, "invoke", invoke)
    result = run("tour", "--quick", "--format", "json")
    assert result.code == code
    assert [station["idea"] for station in result.json["stations"]] == NAMES[:2]
    assert "dnncli tour --from exploding --lang en --quick" in result.err


def test_a_signal_between_commands_ends_the_tour(ran, monkeypatch):
    def invoke(words):
        os.kill(os.getpid(), signal.SIGINT)
        return 0, None

    monkeypatch.setattr(running.program, "invoke", invoke)
    before = [signal.getsignal(number) for number in running.signals.CODES]
    result = run("tour", "--lang", "ko")
    for number, handler in zip(running.signals.CODES, before, strict=True):
        signal.signal(number, handler)
    assert result.code == 130
    assert "vanishing에서 멈추었다" in result.err


@pytest.mark.parametrize(
    ("keys", "code", "seen"), [("xq", 0, 1), ("q", 0, 1), ("ㅂ", 0, 1), ("x\x03", 130, 1)]
)
def test_keys_show_the_answer_and_leave(keys, code, seen, ran, monkeypatch):
    """Where somebody sits at a terminal."""
    pressed = iter(keys)

    def getchar():
        key = next(pressed)
        if key == "\x03":
            raise KeyboardInterrupt
        return key

    monkeypatch.setattr(running.Touring, "_at_terminal", lambda self: True)
    monkeypatch.setattr(running.click, "getchar", getchar)
    result = run("tour")
    assert result.code == code
    assert result.out.count("Exercise: ") == seen
    assert ("Answer: " in result.out) == keys.startswith("x")
    assert "dnncli tour --from saturation" in result.err


def test_a_station_runs_its_command_in_a_process_of_its_own():
    """Also with nobody there to read: the notice goes to stderr, and nothing is left behind."""
    small = environment(DNNCLI_VANISHING_DEMO_DEPTH="4", DNNCLI_VANISHING_DEMO_WIDTH="8")
    with start("tour", "vanishing", "--quick", "--format", "json", env=small) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    (station,) = strict(out.decode())["stations"]
    assert [made["observation"] for made in station["observations"]] == [
        "WithinBound",
        "GradientShrinks",
    ]
    assert not os.path.exists("runs")
