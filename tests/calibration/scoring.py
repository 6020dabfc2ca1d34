"""From labels and outcomes to the tables of `calibration.md`."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from calibration.cases import MARGIN, Case, Run
from calibration.measuring import Label, Outcome, Runner, remedied
from calibration.truths import CONSTANT_CHANGES, RULES, TRUTHS, Truth

from dnncli.diagnosis import chance

TAIL = 0.025


@dataclass(frozen=True)
class Verdict:
    """A sick case that counts, what was said of it, and whether the first remedy works.

    `works` is None where there was no remedy to follow; `constant`, where it was not tried.
    """

    label: Label
    outcome: Outcome
    works: bool | None
    constant: bool | None = None

    @property
    def truth(self) -> Truth:
        """The true cause."""
        assert self.label.case.truth
        return TRUTHS[self.label.case.truth]

    @property
    def detected(self) -> bool:
        """Whether anything was said at all."""
        return self.outcome.verdict != "healthy"

    @property
    def named(self) -> bool:
        """Whether the first finding is a true cause."""
        return self.first in self.truth.rules

    @property
    def among(self) -> bool:
        """Whether any finding is a true cause."""
        return self.detected and any(rule in self.truth.rules for rule in self.outcome.rules)

    @property
    def first(self) -> str:
        """The rule of the first finding, or `healthy`."""
        return self.outcome.verdict


def judge(runner: Runner, label: Label, constant: bool) -> Verdict:
    """The verdict of seed 0 on a sick case that counts; its remedy is tried over `SEEDS`."""
    outcome = runner.outcome(label.case.run)
    works = _cures(runner, label, _followed(label, outcome.changes))
    # The constant answer's network is drawn and trained with the defaults of what it names.
    answer = CONSTANT_CHANGES if constant else {}
    return Verdict(label, outcome, works, _cures(runner, label, _followed(label, answer)))


def _followed(label: Label, changes: dict[str, Any]) -> Run | None:
    """The sick run with these changes; None where there are none."""
    return remedied(label.case.run, changes) if changes else None


def _cures(runner: Runner, label: Label, run: Run | None) -> bool | None:
    """Whether a run comes within `MARGIN` of the twin; None without one."""
    if run is None:
        return None
    return label.twin - runner.accuracy(run) <= MARGIN


def controls(labels: list[Label]) -> list[Case]:
    """Healthy runs: the healthy cases that learned, and the twins of the sick ones, each once."""
    runs = {label.case.twin: label.case for label in labels if label.holds}
    return [Case(f"twin of {case.name}", run, run) for run, case in runs.items()]


def report(
    runner: Runner, labels: list[Label], verdicts: list[Verdict], constant: bool
) -> Iterator[str]:
    """Markdown: how many cases count, totals, by true cause, by rule."""
    yield from _labels(labels)
    healthy = controls(labels)
    said = [runner.outcome(case.run) for case in healthy]
    loud = [outcome for outcome in said if outcome.verdict != "healthy"]
    yield from _totals(verdicts, len(loud), len(said), constant)
    yield from alarms(runner, healthy)
    yield from _causes(verdicts)
    yield from _rules(verdicts, Counter(outcome.verdict for outcome in loud))


def _labels(labels: list[Label]) -> Iterator[str]:
    for name, wanted in (("sick", True), ("healthy", False)):
        group = [label for label in labels if bool(label.case.truth) == wanted]
        kept = [label for label in group if label.holds]
        harmless = [label for label in group if label.twin_learned and not label.holds]
        failed = len(group) - len(kept) - len(harmless)
        text = f"{name}: {len(group)} candidates, {len(kept)} count"
        yield f"{text}; {len(harmless)} are harmless, of {failed} the twin did not learn"
    yield ""


def _totals(verdicts: list[Verdict], loud: int, healthy: int, constant: bool) -> Iterator[str]:
    curable = [verdict for verdict in verdicts if verdict.label.case.curable]
    other = [verdict for verdict in verdicts if not verdict.label.case.curable]
    yield "| | share | exact 95 % interval | cases |"
    yield "| --- | --- | --- | --- |"
    yield _row("sick networks detected", verdicts, lambda verdict: verdict.detected)
    yield _row("cause named first", verdicts, lambda verdict: verdict.named)
    yield _row("cause among the findings", verdicts, lambda verdict: verdict.among)
    yield counted("false alarms on healthy networks", loud, healthy)
    yield _row("first remedy cures, of the curable", curable, lambda verdict: bool(verdict.works))
    offered = [verdict for verdict in curable if verdict.works is not None]
    yield _row("first remedy cures, where one is given", offered, lambda v: bool(v.works))
    yield _row("no remedy promised where data must change", other, lambda v: v.works is None)
    answer = 'always "activation and learning rate": cause named'
    yield _row(answer, verdicts, lambda verdict: verdict.truth.constant_answer)
    if constant:
        text = "--act elu and the default rate: cures, of the curable"
        yield _row(text, curable, lambda verdict: bool(verdict.constant))
    yield ""


def alarms(runner: Runner, healthy: list[Case]) -> Iterator[str]:
    """Each alarm on a network that had learned, and what following its first remedy gains.

    A network that its remedy makes better by `MARGIN` was as far from what it can reach as a sick
    one is from its twin.
    """
    for case in healthy:
        outcome = runner.outcome(case.run)
        if outcome.verdict == "healthy":
            continue
        before = runner.accuracy(case.run)
        told = f"- {case.name} ({before:.3f}): {outcome.verdict}"
        if outcome.changes:
            gain = runner.accuracy(remedied(case.run, outcome.changes)) - before
            told += f", {outcome.changes} gains {gain:+.3f}"
        yield told
    yield ""


def _row(name: str, verdicts: list[Verdict], test: Callable[[Verdict], bool]) -> str:
    return counted(name, sum(test(verdict) for verdict in verdicts), len(verdicts))


def counted(name: str, hits: int, total: int) -> str:
    """A row of a table: a share with its exact interval."""
    low, high = exact_interval(hits, total)
    share = f"{_share(hits, total)} | {100 * low:.1f} to {100 * high:.1f} %"
    return f"| {name} | {share} | {hits} of {total} |"


def exact_interval(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share by Clopper and Pearson (1934): neither tail is over 2.5 %."""
    low = 0.0 if hits == 0 else _share_with_tail(hits, total)
    high = 1.0 if hits == total else 1 - _share_with_tail(total - hits, total)
    return low, high


def _share_with_tail(hits: int, total: int) -> float:
    """The share for which so many hits or more have a probability of 2.5 %, by bisection."""
    low = 0.0
    high = 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if chance.at_least(hits, total, middle) < TAIL:
            low = middle
        else:
            high = middle
    return low


def _share(hits: int, total: int) -> str:
    return f"{100 * hits / total:.1f} %" if total else "–"


def _causes(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| true cause | cases | detected | named first | among | remedy cures | said first |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for truth in TRUTHS:
        group = [verdict for verdict in verdicts if verdict.label.case.truth == truth]
        if not group:
            continue
        detected = sum(verdict.detected for verdict in group)
        named = sum(verdict.named for verdict in group)
        among = sum(verdict.among for verdict in group)
        works = sum(bool(verdict.works) for verdict in group)
        said = Counter(verdict.first for verdict in group).most_common(4)
        words = ", ".join(f"{rule} {count}" for rule, count in said)
        counts = f"{len(group)} | {detected} | {named} | {among} | {works}"
        yield f"| {truth} | {counts} | {words} |"
    yield ""


def _rules(verdicts: list[Verdict], alarms: Counter[str]) -> Iterator[str]:
    """Precision is of what was said first, of the healthy too; recall, of cases it is meant for."""
    yield "| rule | meant for | recall | said first | precision | of healthy networks |"
    yield "| --- | --- | --- | --- | --- | --- |"
    others = {verdict.first for verdict in verdicts} | set(alarms)
    for rule in (*RULES, *sorted(others - {*RULES, "healthy"})):
        meant = [verdict for verdict in verdicts if verdict.truth.rules[0] == rule]
        said = [verdict for verdict in verdicts if verdict.first == rule]
        if not meant and not said and not alarms[rule]:
            continue
        recall = _share(sum(verdict.named for verdict in meant), len(meant))
        total = len(said) + alarms[rule]
        precision = _share(sum(verdict.named for verdict in said), total)
        yield f"| {rule} | {len(meant)} | {recall} | {total} | {precision} | {alarms[rule]} |"


def line(runner: Runner, label: Label, verdict: Verdict | None) -> str:
    """A case: whether it counts, accuracies, what was said, what the remedy did."""
    outcome = runner.outcome(label.case.run)
    word = "counts " if label.holds else "dropped"
    text = f"{word} {label.case.name}: {label.accuracy:.2f}, twin {label.twin:.2f}"
    said = f"{outcome.verdict} {outcome.rules}"
    if verdict is None:
        return f"{text}; {said}"
    named = "named" if verdict.named else "MISSED"
    return f"{text}; {named}: {said}; {outcome.changes}: works {verdict.works}"
