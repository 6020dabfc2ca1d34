"""The calibration's generator, and a few of its cases run: they are sick, and their twins learn."""

import pytest
import scipy.stats
from calibration import cases, measuring, running, scoring, tables, truths
from calibration.cases import Case, Run
from calibration.measuring import Label, Outcome, Runner
from calibration.scoring import Verdict
from calibration.tables import Recipe
from shell import run as run_line

pytestmark = pytest.mark.usefixtures("quick_compilation")

SICK = cases.sick()
HEALTHY = cases.healthy()
# Two programs serve all of them. What they reach is measured, whatever is said of them.
SAMPLE = (
    "rate-large/blobs/sgd/300",
    "rate-small/blobs/sgd/0.0001",
    "rate-small/blobs/sgd/1e-06",
    "labels-random/blobs/noisy/1.0",
    "labels-noisy/blobs/noisy/0.6",
    "inputs-constant/blobs/constant/3.0",
)


def test_there_are_enough_cases_of_every_truth_on_at_least_five_kinds_of_data():
    assert len(SICK) >= 400
    assert len(HEALTHY) >= 170
    assert {case.truth for case in SICK} == set(truths.TRUTHS)
    assert len({case.run.recipe.kind for case in SICK}) >= 5


def test_names_are_unique_and_the_list_is_the_same_every_time():
    names = [case.name for case in (*SICK, *HEALTHY)]
    assert len(set(names)) == len(names)
    assert cases.sick() == SICK
    assert cases.healthy() == HEALTHY


def test_sick_runs_differ_from_their_twins_and_healthy_ones_do_not():
    assert all(case.run != case.twin for case in SICK)
    assert all(case.run == case.twin for case in HEALTHY)


def test_strengths_of_one_fault_share_a_half_and_neither_half_is_small():
    halves = {}
    for case in SICK:
        halves.setdefault(case.name.rsplit("/", 1)[0], set()).add(case.half)
    assert all(len(half) == 1 for half in halves.values())
    for group in (SICK, HEALTHY):
        design = sum(case.half == "design" for case in group)
        assert 0.4 < design / len(group) < 0.6


def test_every_rule_that_a_truth_names_is_known():
    named = {rule for truth in truths.TRUTHS.values() for rule in (*truth.rules, *truth.symptoms)}
    assert named <= set(truths.RULES)


@pytest.mark.parametrize("kind", tables.KINDS)
def test_tables_are_written_the_same_every_time(kind, tmp_path):
    written = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        train, test = tables.write(Recipe(kind), folder)
        written.append((train.read_bytes(), test.read_bytes()))
    assert written[0] == written[1]
    assert written[0][0] != written[0][1]


@pytest.mark.parametrize("fault", tables.FAULTS)
def test_a_fault_changes_its_table(fault):
    plain = tables.make(Recipe("blobs"))
    faulty = tables.make(Recipe("blobs").with_fault(fault, 0.5))
    assert (
        plain.x.shape != faulty.x.shape
        or (plain.x != faulty.x).any()
        or (plain.y != faulty.y).any()
    )


def test_options_of_every_case_are_options_of_train(monkeypatch, tmp_path):
    """One case for each set of options, rates, sizes and activations aside, gets to the data."""
    monkeypatch.chdir(tmp_path)
    aside = {"lr", "hidden", "act"}
    examples = {}
    for case in (*SICK, *HEALTHY):
        options = dict(case.run.options)
        examples[tuple(options[name] for name in sorted(options.keys() - aside))] = options
    for options in examples.values():
        result = run_line("train", *running.arguments(options, 0), "--out", "run.ckpt")
        assert result.code == 1, result.err
        assert "train.csv" in result.err


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The sample's labels, and verdicts on them."""
    runner = Runner(tmp_path_factory.mktemp("results"))
    chosen = [case for case in SICK if case.name in SAMPLE]
    assert len(chosen) == len(SAMPLE)
    labels = [runner.label(case, {}) for case in chosen]
    return runner, labels, [scoring.judge(runner, label, constant=False) for label in labels]


def test_the_sample_is_sick_and_its_twins_learn(measured):
    _, labels, _ = measured
    assert [label.case.name for label in labels if not label.holds] == []


def test_the_report_counts_the_sample(measured):
    runner, labels, verdicts = measured
    text = "\n".join(scoring.report(runner, labels, verdicts, constant=False))
    assert f"sick: {len(SAMPLE)} candidates, {len(SAMPLE)} count" in text
    detected = sum(verdict.detected for verdict in verdicts)
    row = next(line for line in text.splitlines() if "sick networks detected" in line)
    assert row.endswith(f"| {detected} of {len(SAMPLE)} |")


@pytest.mark.parametrize(("hits", "total"), [(0, 20), (1, 20), (13, 40), (97, 100), (40, 40)])
def test_intervals_of_shares_are_clopper_and_pearson_s(hits, total):
    low, high = scoring.exact_interval(hits, total)
    # SciPy's beta distribution has no parameter 0, where the interval ends with 0 or 1.
    least = scipy.stats.beta.ppf(0.025, max(hits, 1e-12), total - hits + 1)
    most = scipy.stats.beta.ppf(0.975, hits + 1, max(total - hits, 1e-12))
    assert low == pytest.approx(least, abs=1e-9)
    assert high == pytest.approx(most, abs=1e-9)


def test_outcomes_are_kept_and_not_run_again(measured, monkeypatch):
    runner, labels, verdicts = measured
    monkeypatch.setattr(running, "measure", lambda *_: pytest.fail("run again"))
    assert [runner.label(label.case, {}) for label in labels] == labels
    assert [scoring.judge(runner, label, constant=False) for label in labels] == verdicts


@pytest.mark.parametrize("name", [SAMPLE[0], SAMPLE[3], SAMPLE[5]])
def test_what_is_measured_is_what_the_command_line_says(name, measured, monkeypatch, tmp_path):
    runner, _, _ = measured
    case = next(case for case in SICK if case.name == name)
    tables.write(case.run.recipe, tmp_path)
    monkeypatch.chdir(tmp_path)
    line = running.arguments(dict(case.run.options), 0)
    result = run_line("train", *line, "--out", "run.ckpt", "--format", "json", "-q")
    outcome = runner.outcome(case.run)
    assert outcome.code == result.code
    assert outcome.accuracy == pytest.approx(result.json["test"]["accuracy"])
    assert outcome.verdict == result.json["health"]["verdict"]
    findings = result.json["health"]["findings"]
    assert list(outcome.rules) == [finding["rule"] for finding in findings]
    assert outcome.changes == ((findings[0].get("remedy") or {}).get("changes") or {})


def test_another_seed_reaches_the_same_whether_it_is_judged_or_not(measured, tmp_path):
    case = next(case for case in SICK if case.name == SAMPLE[0])
    told = running.measure(case.run, 1, True, tmp_path)
    untold = running.measure(case.run, 1, False, tmp_path)
    assert (untold.code, untold.accuracy) == (told.code, pytest.approx(told.accuracy))
    assert untold.situation is None


def test_stored_labels_are_not_measured_again(measured, monkeypatch, tmp_path):
    _, labels, _ = measured
    path = tmp_path / "labels.json"
    measuring.write_labels(path, labels[:2])
    measuring.write_labels(path, labels[2:])
    monkeypatch.setattr(running, "measure", lambda *_: pytest.fail("run again"))
    known = measuring.read_labels(path)
    runner = Runner(tmp_path)
    again = [runner.label(label.case, known) for label in labels]
    assert [label.holds for label in again] == [label.holds for label in labels]
    assert [label.twin for label in again] == pytest.approx(
        [label.twin for label in labels], abs=1e-4
    )


def test_a_case_counts_only_where_the_twin_learned_and_is_clearly_better():
    case = SICK[0]
    assert Label(case, 0.5, 0.9, 0.3).holds
    assert not Label(case, 0.87, 0.9, 0.3).holds
    assert not Label(case, 0.3, 0.5, 0.3).holds
    assert Label(HEALTHY[0], 0.9, 0.9, 0.3).holds
    assert not Label(HEALTHY[0], 0.5, 0.5, 0.3).holds


def test_a_remedy_is_followed_to_the_letter():
    run = Run.of(Recipe("blobs"), {"hidden": "9", "lr": "1", "bn": "", "bn-momentum": "0.9"})
    changes = {"lr": 0.01, "bn": False, "clip_global_norm": 1.0, "depth": 2, "act": None}
    mended = measuring.remedied(run, changes)
    assert dict(mended.options) == {"lr": "0.01", "clip-global-norm": "1.0", "depth": "2"}
    assert mended.recipe == run.recipe
    assert dict(measuring.remedied(run, {"bn": True, "hidden": (3, 4)}).options)["hidden"] == "3,4"


def test_naming_counts_the_first_finding_and_not_a_symptom():
    case = Case("rate-large/blobs/sgd/x", SICK[0].run, SICK[0].twin, "rate-large")
    label = Label(case, 0.2, 0.9, 0.2)
    right = Verdict(label, Outcome(0, 0.2, "unstable", ("unstable", "dead")), True)
    half = Verdict(label, Outcome(0, 0.2, "dead", ("dead", "unstable")), False)
    silent = Verdict(label, Outcome(0, 0.2, "healthy", ("unpredicted",)), None)
    assert [verdict.named for verdict in (right, half, silent)] == [True, False, False]
    assert [verdict.among for verdict in (right, half, silent)] == [True, True, False]
    assert [verdict.detected for verdict in (right, half, silent)] == [True, True, False]


def test_an_alarm_on_a_healthy_network_is_told_with_what_its_remedy_gains():
    class Measured:
        """Twice the epochs make the first network better by 0.1."""

        def outcome(self, run):
            loud = run == HEALTHY[0].run
            rule = "unfinished" if loud else "healthy"
            return Outcome(0, 0.8, rule, (rule,), {"epochs": 80} if loud else {})

        def accuracy(self, run):
            return 0.9 if ("epochs", "80") in run.options else 0.8

    told = list(scoring.alarms(Measured(), HEALTHY[:3]))
    assert told == [f"- {HEALTHY[0].name} (0.800): unfinished, {{'epochs': 80}} gains +0.100", ""]
