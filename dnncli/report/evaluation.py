"""`eval` for people: scores, figures by class, the confusion matrix, batch norm's statistics."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dnncli.records import (
    BatchNormRecord,
    ClassScore,
    EvalRecord,
    LossAlongGradient,
    Score,
    SplitRecord,
)
from dnncli.report import confusion, gradients, importance, numbers, scores, text

AREAS = ("roc_auc", "pr_auc")


def main_rows(splits: dict[str, SplitRecord]) -> list[list[object]]:
    """The table for CSV: importances where they were asked for, else the classes' figures."""
    if any(record.importance for record in splits.values()):
        return importance.rows(splits)
    return class_rows(splits)


def class_rows(splits: dict[str, SplitRecord]) -> list[list[object]]:
    """The per-class table for CSV; of a regression its scores."""
    if any(record.accuracy is None for record in splits.values()):
        return numbers.rows(splits)
    names = ["split", "class", "precision", "recall", "f1", "support", "roc_auc", "pr_auc"]
    rows: list[list[object]] = [[*names]]
    for split, record in splits.items():
        rows += [[split, *_class_row(score)] for score in record.per_class]
    return rows


def _class_row(score: ClassScore) -> list[object]:
    own = [score.name, score.precision, score.recall, score.f1, score.support]
    return [*own, *(score.metrics[name].value for name in AREAS)]


def report(record: EvalRecord, all_layers: bool = False) -> Iterator[RenderableType]:
    """Everything `eval` was asked for, split by split."""
    for index, (name, split) in enumerate(record.splits.items()):
        if index:
            yield Text()
        yield _score_line(name, split)
        if split.accuracy is None:
            yield numbers.table(split.metrics)
            yield from _importance(split, name)
            continue
        yield from scores.reason(split.metrics, split.headline)
        yield from scores.calibrated(record.calibration)
        yield from scores.decision(record.threshold, split.positive)
        yield scores.table(split.metrics, "", split.headline, split.positive)
        yield class_table(split)
        if len(split.per_class) <= confusion.MOST_CLASSES:
            names = [score.name for score in split.per_class]
            yield confusion.ConfusionMatrix(names, split.confusion)
        yield from _importance(split, name)
    if record.layers:
        yield Text()
        title = "Gradients of the stored network on the training set"
        yield gradients.gradient_table(record.layers, title, every=all_layers)
    if record.bn:
        yield Text()
        yield from batch_norm_tables(record.bn)
    if record.along_gradient:
        yield Text()
        yield from ahead(record.along_gradient)


def _importance(split: SplitRecord, name: str) -> Iterator[RenderableType]:
    """Every column's importance, where it was asked for."""
    if split.importance:
        yield Text()
        yield from importance.report(split.importance, name)


def _score_line(name: str, split: SplitRecord) -> Text:
    """The first score of a split, and how fast it was computed."""
    new = f"{text.count(split.unseen)} of unseen classes, " if split.unseen else ""
    speed = f"{split.examples_per_second:,.0f} a second"
    about = f"{text.count(split.examples)} examples, {new}{speed}"
    loss = f", loss {split.loss:.4f}  ({about})"
    if split.accuracy is None:
        return Text.assemble(f"{name}: ", (numbers.headline(split.metrics), "bold green"), loss)
    first = scores.first(split.metrics, split.headline)
    return Text.assemble(f"{name}: ", (first, "bold green"), loss)


def _figure(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def class_table(split: SplitRecord) -> Table:
    """Precision, recall, F1, the areas against the rest and support of every class."""
    table = Table(**text.TABLE | {"padding": (0, 1)})
    table.add_column("class", overflow="fold")
    for name in ("precision", "recall", "F1", "ROC AUC", "PR AUC", "examples"):
        table.add_column(name, justify="right", no_wrap=True)
    for score in split.per_class:
        figures = [_figure(score.precision), _figure(score.recall), _figure(score.f1)]
        areas = [_figure(score.metrics[name].value) for name in AREAS]
        table.add_row(Text(score.name), *figures, *areas, text.count(score.support))
    return table


def batch_norm_tables(record: BatchNormRecord) -> Iterator[RenderableType]:
    """How far the statistics are apart, and what that costs."""
    title = "Batch norm against the training set's exact statistics"
    table = Table(title=title, **text.TABLE | {"padding": (0, 1)})
    table.add_column("layer", no_wrap=True)
    for name in ("moving\nmean off", "batch\nmean off", "moving\nvar. ratio", "batch\nvar. ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in record.layers:
        means = (f"{layer.moving_mean:.4f} σ", f"{layer.batch_mean:.4f} σ")
        table.add_row(
            layer.layer, *means, f"{layer.moving_variance:.4f}", f"{layer.batch_variance:.4f}"
        )
    yield table
    for statistics, splits in record.scores.items():
        scores = ", ".join(
            f"{split} {_merit(score)}, loss {score.loss:.4f}" for split, score in splits.items()
        )
        yield Text(f"with {statistics} statistics: {scores}")


def _merit(score: Score) -> str:
    """A score's accuracy, or R²."""
    if score.accuracy is None:
        return numbers.headline(score.metrics)
    return f"accuracy {100 * score.accuracy:.2f} %"


def ahead(record: LossAlongGradient) -> Iterator[RenderableType]:
    """What the loss and its gradient do along the gradient."""
    span = f"steps of {record.nearest:g} to {record.furthest:g} times the gradient"
    yield Text(f"The loss along the gradient, {span} (training set)", style="bold")
    low = text.loss(record.loss_low)
    high = text.loss(record.loss_high)
    yield Text(f"the loss {text.loss(record.loss)} becomes {low} at best and {high} at worst")
    yield Text(
        f"the gradient changes by up to {record.gradient_change:.2g} times its norm;"
        f" effective smoothness β {record.smoothness:.3g} (less is smoother)"
    )
