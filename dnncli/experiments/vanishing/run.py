"""How gradients vanish and explode with depth: theory and measurement before the first step."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import jax
import numpy as np
from jax.stages import Compiled

from dnncli.data import Dataset
from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.verdict import diagnose
from dnncli.experiments.vanishing import layer_figures, promises, stacked, training
from dnncli.experiments.vanishing.layer_figures import LayerStatistics
from dnncli.nn.network import Parameters
from dnncli.records import CaseRecord, DepthRecord
from dnncli.spec import NetworkSpec, RunSpec
from dnncli.spec.vanishing import Case
from dnncli.theory import Prediction
from dnncli.training import memory, plan, seeds
from dnncli.training.program import initial_network
from dnncli.training.run import network_context
from dnncli.training.seeds import SeedBatch

BATCH = 256  # examples of the one batch that is measured


@dataclass(frozen=True)
class VanishingSpec:
    """The demonstration: cases at depths, over seeds, with or without some epochs of training.

    watch: whether every layer's δ is kept after each epoch.
    """

    cases: tuple[Case, ...]
    depths: tuple[int, ...] = (20,)
    width: int = 100
    seeds: int = 5
    train: int = 0
    watch: bool = False


@dataclass(frozen=True)
class _Measurement:
    """Every seed's layer statistics, and the first seed's bound where there is one."""

    seeds: tuple[LayerStatistics, ...]
    bound: list[float] | None

    def values(self, name: str) -> np.ndarray:
        """A statistic of every layer, shape (seeds, layers)."""
        return np.stack([seed[name] for seed in self.seeds])


def run(spec: VanishingSpec, dataset: Dataset) -> Iterator[CaseRecord]:
    """Every case at every depth; the programs compile in the background, on two threads.

    Raises DnncliError where a network does not fit into memory.
    """
    pairs = [(depth, case) for depth in spec.depths for case in spec.cases]
    for depth, case in pairs:
        trained = RunSpec(network=case.network(depth, spec.width))
        memory.check(trained, dataset.features, dataset.classes, len(dataset.train))
    sizes = (dataset.features, dataset.classes, min(BATCH, len(dataset.train)))
    programs: dict[tuple[int, str, bool], Future[Compiled]] = {}
    with ThreadPoolExecutor(2) as threads:
        for depth, case in pairs:
            # Initialisers change only what goes into a program.
            kind = (depth, case.act, case.bn)
            if kind not in programs:
                network = case.network(depth, spec.width)
                programs[kind] = threads.submit(stacked.compiled, network, *sizes)
        for depth, case in pairs:
            program = programs[depth, case.act, case.bn].result()
            yield _examine(spec, case, depth, dataset, program)


def _examine(
    spec: VanishingSpec, case: Case, depth: int, dataset: Dataset, program: Compiled
) -> CaseRecord:
    """One case at one depth: predicted, measured, and trained where that is asked for."""
    network = case.network(depth, spec.width)
    context = network_context(RunSpec(network=network), dataset)
    prediction = context.predict()
    measured = _measure(context, spec.seeds, dataset, program)
    layers = tuple(_layers(context, measured, prediction))
    health = diagnose(context, layers, layers)
    ratios = _delta_ratios(measured)
    trained = None
    if spec.train:
        ended = training.trained(case, network, dataset, spec.train, spec.seeds, watched=spec.watch)
        trained = replace(
            training.outcome(ended, dataset),
            delta_ratio=_trained_ratio(network, ended, dataset, program),
        )
    examined = CaseRecord(
        case=case.label,
        act=case.act,
        init=case.init,
        bn=case.bn,
        clip=case.clip,
        depth=depth,
        layers=layers,
        delta_ratio=layer_figures.quadratic_mean(ratios),
        delta_ratio_values=tuple(ratios.tolist()),
        predicted_delta_ratio=prediction.delta_ratio,
        predicted_log10_delta_ratio=prediction.log10_delta_ratio,
        predicted_band=prediction.band,
        chi=prediction.chi,
        depth_scale=prediction.depth_scale,
        trainable_depth=prediction.trainable_depth,
        note=prediction.reason or prediction.float32 or prediction.note,
        verdict=health.verdict,
        findings=health.findings,
        trained=trained,
    )
    return replace(examined, verdict=promises.verdict(examined))


def _measure(
    context: NetworkContext, seed_count: int, dataset: Dataset, program: Compiled
) -> _Measurement:
    """One batch through each seed's untrained network."""
    spec = context.network
    rows = []
    bound = None
    for seed in range(seed_count):
        parameters, _ = initial_network(
            spec, context.features, context.classes, seed, context.second_moment
        )
        rows.append(_one_pass(spec, parameters, seed, dataset, program))
        # The bound is the chapter's, which is about the plain sigmoid.
        if seed == 0 and spec.act == "sigmoid" and not spec.bn:
            bound = layer_figures.bound(spec, parameters, rows[0]["delta_rms"][-1])
    return _Measurement(tuple(rows), bound)


def _one_pass(
    spec: NetworkSpec, parameters: Parameters, seed: int, dataset: Dataset, program: Compiled
) -> LayerStatistics:
    """One batch, the first of the seed's first epoch, through a network and back."""
    chosen = plan.shuffle(seed, 0, len(dataset.train))[:BATCH]
    batch = (dataset.train.x[chosen], dataset.train.y[chosen])
    seen = jax.device_get(program(stacked.stack(parameters), *batch))
    return layer_figures.layer_statistics(spec, parameters, seen)


def _trained_ratio(
    spec: NetworkSpec, ended: SeedBatch, dataset: Dataset, program: Compiled
) -> float | None:
    """The delta ratio after training; None where every seed diverged, or nothing is left of it."""
    parameters = jax.device_get(ended.states.state.network.parameters)
    rows = [
        _one_pass(spec, seeds.seed_slice(place, parameters), run.spec.seed, dataset, program)
        for place, run in enumerate(ended.runs)
        if run.stopped != "diverged"
    ]
    if not rows:
        return None
    return layer_figures.quadratic_mean(_delta_ratios(_Measurement(tuple(rows), None)))


def _delta_ratios(measured: _Measurement) -> np.ndarray:
    """Each seed's delta_rms of hidden1 over that of the last hidden layer."""
    deltas = measured.values("delta_rms")
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 where float32 has lost both
        return deltas[:, 0] / deltas[:, -2]


def _layers(
    context: NetworkContext, measured: _Measurement, prediction: Prediction
) -> Iterator[DepthRecord]:
    """Every layer's statistics over seeds, beside theory and the bound."""
    names = context.network.layers()
    nothing: list[float | None] = [None] * len(names)
    predicted = [layer.delta_rms for layer in prediction.layers] or nothing
    bounds = measured.bound or nothing
    columns = {name: measured.values(name) for name in measured.seeds[0]}
    for index, layer in enumerate(names):
        values = {name: column[:, index] for name, column in columns.items()}
        yield DepthRecord(
            layer=layer,
            **{name: _over_seeds(name, value) for name, value in values.items()},
            ranges={name: _range(values[name]) for name in values if name != "dead_fraction"},
            frozen=False,
            predicted_delta_rms=predicted[index],
            bound=bounds[index],
        )


def _over_seeds(name: str, values: np.ndarray) -> float:
    """Quadratic means of gradients, whose second moment theory predicts; means of the rest."""
    if name in ("delta_rms", "gradient_norm"):
        return layer_figures.quadratic_mean(values)
    return float(values.mean())


def _range(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())
