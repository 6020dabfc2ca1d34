"""The page of `vanishing-demo`: how gradients fare by case, layer and depth."""

from collections.abc import Iterator, Sequence

from dnncli.records import CaseRecord, DemoRecord, PromiseRecord
from dnncli.report import legend, vanishing
from dnncli.report.page import charts, data, reproduce
from dnncli.report.page.blocks import Block, Charts, Diagnosis, Fact, Page, Prose, Section
from dnncli.report.page.cells import from_rich
from dnncli.report.page.charts import Series


def page(record: DemoRecord) -> Page:
    """The whole page."""
    depths = sorted({case.depth for case in record.cases})
    parts = [
        Section("gradients", "Gradients, layer by layer", tuple(_gradients(record, depths))),
        Section("remedies", "What mends them", tuple(_remedies(record))),
        Section("data", "Data", (data.facts(record.data),)),
        reproduce.of_command("vanishing-demo", _options(record), [reproduce.data(record.data)]),
    ]
    many = f"depths {', '.join(map(str, depths))}" if len(depths) > 1 else f"depth {depths[0]}"
    names = {case.case for case in record.cases}
    width = record.config.get("width", "")
    return Page(
        title="How gradients vanish and explode",
        kicker=f"dnncli vanishing-demo · {many} · width {width} · {record.data.name}",
        lead=record.moral,
        verdict=None,
        facts=(
            Fact("cases", str(len(names))),
            Fact("hidden layers", ", ".join(map(str, depths))),
            Fact("seeds", str(record.config.get("seeds", ""))),
        ),
        sections=tuple(part for part in parts if part.blocks),
    )


def _options(record: DemoRecord) -> dict[str, object]:
    """The options as a file has them: cases between commas."""
    cases = record.config.get("cases", ())
    return {**record.config, "cases": ",".join(map(str, cases))}


def _gradients(record: DemoRecord, depths: Sequence[int]) -> Iterator[Block]:
    """The map of one depth, or the ratio by depth; each case beside its theory."""
    if len(depths) > 1:
        yield from_rich(vanishing.sweep(record.cases, depths))
    else:
        yield Prose(
            "log10 of δ, the gradient at each layer, before the first step. ▼ marks layers where it"
            " has vanished against the output's, ▲ those where it has exploded."
        )
        yield from_rich(vanishing.map_table(record.cases), "log10 δ by layer and case")
        yield from_rich(vanishing.case_table(record.cases).table(), "Cases")
    yield Prose(legend.legend(record.cases).plain, "note")
    deepest = [case for case in record.cases if case.depth == depths[-1]]
    yield Charts(tuple(map(_chart, deepest)))
    yield from (Prose(f"{line}.") for line in record.growth)


def _chart(case: CaseRecord) -> charts.Plot:
    """δ by layer, measured over seeds and predicted."""
    measured = [layer.delta_rms for layer in case.layers]
    ranges = [layer.ranges.get("delta_rms", (None, None)) for layer in case.layers]
    low, high = zip(*ranges, strict=True)
    series = {"measured": Series(measured, low, high)}
    predicted = [layer.predicted_delta_rms for layer in case.layers]
    if any(value is not None for value in predicted):
        series["theory"] = Series(predicted)
    bounds = [layer.bound for layer in case.layers]
    if any(value is not None for value in bounds):
        series["bound"] = Series(bounds)
    return charts.curves(
        f"{case.short}: {case.verdict}",
        f"δ by layer of {case.case}: {measured[0]:.1e} at the input's end, {measured[-1]:.1e} at"
        f" the output.",
        series,
        ("layer, from the input up", "δ, logarithmic"),
        logarithmic=True,
        names=[layer.layer.removeprefix("hidden") for layer in case.layers],
    )


def _remedies(record: DemoRecord) -> Iterator[Block]:
    """A sick case's worst finding and what mends it."""
    yield from map(_promise, record.promises)


def _promise(promise: PromiseRecord) -> Diagnosis:
    place = f" in {promise.layer}" if promise.layer else ""
    return Diagnosis(
        rule=promise.rule,
        layer="",
        evidence=f"{promise.short}{place}: {promise.evidence}",
        advice=promise.advice,
        command="",
        symptoms=(),
    )
