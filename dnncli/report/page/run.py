"""The page of one run: a result of `train`, or a checkpoint with what its data say of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dnncli.records import EpochRecord, Metrics, TrainRecord
from dnncli.records.story import RunStory
from dnncli.report import inspection, numbers, scores, text, training
from dnncli.report.merit import Merit, merit
from dnncli.report.page import charts, data, diagnoses, layers, reproduce
from dnncli.report.page import scores as page_scores
from dnncli.report.page.blocks import Block, Charts, Fact, Facts, Page, Prose, Section
from dnncli.report.page.cells import from_rich, sentences
from dnncli.report.page.charts import Series

NARROWEST = 0.05  # of accuracy or R² that an axis spans at least
UNREAD = "The data were not read: this page has neither scores nor a diagnosis, nor theory."


def of_result(record: TrainRecord) -> Page:
    """A result of `train --format json`."""
    scored = list(_test(record))
    parts = [
        _section("diagnosis", "Diagnosis", diagnoses.blocks(record.health, record.config)),
        _section("learning", "Learning", curves(record.epochs, record.best_epoch, record)),
        _section("scores", "Scores", scored),
        _section("layers", "Layers", layers.blocks(record.epochs)),
        _section("theory", "Theory beside measurement", _theory(record)),
        _section("data", "Data", [data.facts(record.data)]),
        reproduce.of_training(record.config, [reproduce.data(record.data, _checkpoint(record))]),
    ]
    return _page(record, "dnncli train", [part for part in parts if part.blocks])


def of_story(story: RunStory) -> Page:
    """A checkpoint."""
    record = story.run
    known = story.known
    understood = data.blocks(record.data, story.scaling, story.columns, known)
    more = (Fact("checkpoint, SHA-256", story.sha256), *reproduce.versions(story.versions))
    identity = reproduce.data(record.data, (*_checkpoint(record), *more))
    parts = [
        _section("learning", "Learning", curves(record.epochs, record.best_epoch, record)),
        _section("steps", "The last steps", layers.steps(story.steps)),
        _section("layers", "Layers", layers.blocks(record.epochs)),
        _section("data", "Data", [*_origin(story), *understood]),
        reproduce.of_training(record.config, [identity]),
    ]
    if known is not None:
        diagnosis = diagnoses.blocks(record.health, record.config)
        parts.insert(0, _section("diagnosis", "Diagnosis", diagnosis))
        parts.insert(2, _section("scores", "Scores", _splits(story)))
        parts.insert(5, _section("theory", "Theory beside measurement", _theory(record)))
    page = _page(record, "dnncli checkpoint", [part for part in parts if part.blocks])
    return page if known else replace(page, lead=UNREAD, verdict=None)


def _section(name: str, title: str, blocks: Iterator[Block] | Sequence[Block]) -> Section:
    return Section(name, title, tuple(blocks))


def _page(record: TrainRecord, kicker: str, sections: Sequence[Section]) -> Page:
    """A run's head: what was trained on what, how it ended, and its first figures."""
    config = record.config
    parts = [str(config.get("act", "")), str(config.get("init", ""))]
    parts += ["batch norm"] * bool(config.get("bn"))
    parts.append(str(config.get("optimizer", "")))
    layers_ = training.sizes(record.data, config.get("hidden", ()))
    return Page(
        title=f"{config.get('act', 'A network')} on {record.data.name}",
        kicker=f"{kicker} · {layers_} · {', '.join(part for part in parts if part)}",
        lead=_lead(record),
        verdict=diagnoses.verdict(record.health),
        facts=tuple(_key_facts(record)),
        sections=tuple(sections),
    )


def _lead(record: TrainRecord) -> str:
    """The run's gist in a sentence."""
    if record.health.findings:
        cause = record.health.findings[0]
        return f"in {cause.layer}: {cause.evidence}." if cause.layer else f"{cause.evidence}."
    if record.health.verdict == "healthy":
        return diagnoses.HEALTHY
    return f"{training.STOPPED.get(record.stopped, record.stopped)}."


def _key_facts(record: TrainRecord) -> Iterator[Fact]:
    """The test score, how far the run came, and the network's size."""
    if record.test:
        name, value, note = headline(record.test.metrics, record.headline, merit(record.data))
        yield Fact(f"test {name}", value, note)
    done = record.epochs[-1].epoch if record.epochs else 0
    stopped = training.STOPPED.get(record.stopped, record.stopped)
    yield Fact("best epoch", f"{record.best_epoch} of {done}", stopped)
    yield Fact("parameters", text.count(record.parameters))
    yield Fact("training examples", text.count(record.data.train))
    if record.seconds.total:
        compiling = f"{text.seconds(record.seconds.compile)} of it compiling"
        yield Fact("time", text.seconds(record.seconds.total), compiling)


def headline(metrics: Metrics, name: str, shown: Merit) -> tuple[str, str, str]:
    """The first score's name, value and interval."""
    if shown.key == "r2":
        name = "r2"
    metric = metrics.get(name)
    if metric is None:
        return shown.name, "–", ""
    if name == "r2":
        value = numbers.shown(name, metric.value)
        if metric.low is None or metric.high is None:
            return "R²", value, ""
        ends = (numbers.shown(name, metric.low), numbers.shown(name, metric.high))
        return "R²", value, f"95 % interval {ends[0]} to {ends[1]}"
    value, interval, _ = scores.cells(name, metric)
    return scores.label(name), value, f"95 % interval {interval}"


def curves(epochs: Sequence[EpochRecord], best_epoch: int, record: TrainRecord) -> Iterator[Block]:
    """Losses and the validation metric over the epochs."""
    if not epochs:
        yield Prose("No epoch was finished.", "note")
        return
    shown = merit(record.data)
    train = [epoch.train_loss for epoch in epochs]
    validation = [epoch.val_loss for epoch in epochs]
    if not any(map(math.isfinite, (*train, *validation))):
        yield Prose("No loss was finite.", "note")
        return
    losses = charts.curves(
        "Loss",
        f"Training loss from {text.loss(train[0])} to {text.loss(train[-1])}, validation loss from"
        f" {text.loss(validation[0])} to {text.loss(validation[-1])} in {len(epochs)} epochs.",
        {"training": Series(train), "validation": Series(validation)},
        ("epoch", training.loss_unit(record.config)),
        logarithmic=inspection.spans_decades([*train, *validation]),
        mark=best_epoch or None,
    )
    merits = [shown.factor * epoch.merit for epoch in epochs]
    right = charts.curves(
        f"Validation {shown.name}",
        f"From {shown.shown(epochs[0].merit)} after the first epoch to"
        f" {shown.shown(epochs[-1].merit)} after the last.",
        {"validation": Series(merits)},
        ("epoch", shown.right),
        mark=best_epoch or None,
        first=1,
        least=NARROWEST * shown.factor,
    )
    yield Charts((losses, right))
    if best_epoch:
        yield Prose(
            f"The dotted line marks epoch {best_epoch}, the best one, whose network was kept.",
            "note",
        )


def _test(record: TrainRecord) -> Iterator[Block]:
    """The test scores of a result, which has no confusion matrix."""
    if record.test and record.test.metrics:
        yield page_scores.metrics_table(
            record.test.metrics,
            f"Scores on the test examples ({text.count(record.data.test)})",
            record.headline,
            record.positive,
        )
        lines = [
            *scores.reason(record.test.metrics, record.headline),
            *scores.calibrated(record.calibration),
            *scores.decision(record.threshold, record.positive),
        ]
        yield from (Prose(f"{line}.", "note") for line in sentences(lines))
    if record.predictions:
        target = record.data.targets[0] if record.data.targets else ""
        yield Charts((page_scores.predictions(record.predictions, "test", target),))
    if record.folds:
        yield from_rich(scores.folds_table(record.folds, record.headline, record.positive))


def _splits(story: RunStory) -> Iterator[Block]:
    """Scores on the test examples in full, and on the validation examples in a table."""
    assert story.known is not None
    record = story.run
    target = record.data.targets[0] if record.data.targets else ""
    known = story.known.splits
    yield from page_scores.split(
        known["test"], "test", record.calibration, record.threshold, target
    )
    other = known["validation"]
    caption = f"Scores on the validation examples ({text.count(other.examples)})"
    yield page_scores.metrics_table(other.metrics, caption, other.headline, other.positive)
    yield Prose(
        "The best epoch was chosen by the validation examples, which flatters them.", "note"
    )


def _theory(record: TrainRecord) -> Iterator[Block]:
    """Prediction and measurement, where there is a prediction."""
    if record.prediction is not None:
        yield from layers.theory(record.prediction, record.initial)
        for line in sentences(training.first_step(record)):
            yield Prose(f"{line[:1].upper()}{line[1:]}.", "strong")


def _checkpoint(record: TrainRecord) -> tuple[Fact, ...]:
    return () if record.checkpoint is None else (Fact("checkpoint", record.checkpoint),)


def _origin(story: RunStory) -> Iterator[Block]:
    """Where reused layers came from, for a second transfer each parent."""
    found = []
    origin = story.origin
    while origin is not None:
        kept = f"kept {', '.join(origin.kept)}"
        found.append(Fact("layers reused from", origin.parent.path, kept))
        origin = origin.parent.origin
    if found:
        yield Facts(tuple(found))
