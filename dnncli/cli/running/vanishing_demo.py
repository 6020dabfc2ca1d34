"""`vanishing-demo` at work: cases as they are measured, and the picture of all of them."""

from dnncli.cli.outputs import Extras
from dnncli.cli.presenter import Presenter
from dnncli.data import Dataset
from dnncli.experiments.vanishing import run as vanishing
from dnncli.experiments.vanishing.result import result
from dnncli.experiments.vanishing.run import VanishingSpec
from dnncli.records import CaseRecord
from dnncli.report import vanishing as report
from dnncli.report.figures import animation
from dnncli.report.figures import vanishing as figures
from dnncli.spec import DataSpec


def demonstrate(
    presenter: Presenter,
    spec: VanishingSpec,
    source: DataSpec,
    dataset: Dataset,
    extras: Extras,
    *,
    explained: bool,
) -> None:
    """Measure every case, print and draw them; explained: with a legend."""
    presenter.prepare_jax()
    cases: list[CaseRecord] = []
    with presenter.progress("measuring", len(spec.cases) * len(spec.depths)) as bar:
        for case in vanishing.run(spec, dataset):
            bar.advance(case.case)
            cases.append(case)
            presenter.event("case", case)
    record = result(_config(spec, source, dataset), dataset, cases)
    presenter.show(report.report, record, explained=explained)
    presenter.end(record, report.layer_rows(record.cases), streamed=["cases"])
    extras.draw(lambda: figures.figure(record.cases))
    extras.film(lambda: animation.film(record.cases))


def _config(spec: VanishingSpec, source: DataSpec, dataset: Dataset) -> dict[str, object]:
    return {
        "cases": [case.label for case in spec.cases],
        "depths": list(spec.depths),
        "width": spec.width,
        "seeds": spec.seeds,
        "train": spec.train,
        "data": source.data,
        "scale": dataset.scaling.kind,
    }
