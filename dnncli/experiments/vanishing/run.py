"""How gradients vanish and explode with depth: theory and measurement before the first step, by case."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from dnncli.data import Dataset
from dnncli.diagnosis import verdict
from dnncli.diagnosis.verdict import Setting
from dnncli.experiments.vanishing import layer_figures, stacked, training
from dnncli.experiments.vanishing.layer_figures import Figures
from dnncli.records import CaseRecord, DepthRecord
from dnncli.spec.vanishing import Case
from dnncli.theory import Prediction
from dnncli.training import engine, plan

BATCH = 256  # examples of the one measured batch


@dataclass(frozen=True)
class Demo:
    """What is demonstrated: cases at depths, over seeds, with or without some epochs of training."""

    cases: tuple[Case, ...]
    depths: tuple[int, ...] = (20,)
    width: int = 100
    seeds: int = 5
    train: int = 0


@dataclass(frozen=True)
class _Measurement:
    """Every seed's figures, and the first seed's bound where there is one."""

    seeds: tuple[Figures, ...]
    bound: list[float] | None

    def values(self, name: str) -> np.ndarray:
        """A figure of every layer, shape (seeds, layers)."""
        return np.stack([seed[name] for seed in self.seeds])


def run(demo: Demo, dataset: Dataset) -> Iterator[CaseRecord]:
    """Every case at every depth; the programs compile in the background, on two threads."""
    pairs = [(depth, case) for depth in demo.depths for case in demo.cases]
    batch = min(BATCH, len(dataset.train))
    with ThreadPoolExecutor(2) as pool:
        programs: dict[Any, Any] = {}
        for depth, case in pairs:
            kind, spec = (depth, case.act, case.bn), case.network(depth, demo.width)
            if kind not in programs:
                sizes = (dataset.features, dataset.classes, batch)
                programs[kind] = pool.submit(stacked.compiled, spec, *sizes)
        for depth, case in pairs:
            yield _examine(demo, case, depth, dataset, programs[depth, case.act, case.bn].result())


def _examine(demo: Demo, case: Case, depth: int, dataset: Dataset, program: Any) -> CaseRecord:
    spec = case.network(depth, demo.width)
    setting = Setting(spec, dataset.features, dataset.classes, dataset.train.second_moment)
    measured, prediction = _measure(setting, demo.seeds, dataset, program), setting.predict()
    layers = _layers(setting, measured, prediction)
    health = verdict.judge(setting, layers, layers)
    deltas = measured.values("delta_rms")
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 where float32 has lost both
        ratios = deltas[:, 0] / deltas[:, -2]
    return CaseRecord(
        case=case.label,
        act=case.act,
        init=case.init,
        bn=case.bn,
        clip=case.clip,
        depth=depth,
        layers=layers,
        delta_ratio=layer_figures.quadratic_mean(ratios),
        delta_ratio_values=tuple(map(float, ratios)),
        predicted_delta_ratio=prediction.delta_ratio,
        predicted_log10_delta_ratio=prediction.log10_delta_ratio,
        predicted_band=prediction.band,
        chi=prediction.chi,
        depth_scale=prediction.depth_scale,
        trainable_depth=prediction.trainable_depth,
        note=prediction.reason or prediction.float32 or prediction.note,
        verdict=health.verdict,
        findings=health.findings,
        trained=training.train(case, spec, dataset, demo.train, demo.seeds) if demo.train else None,
    )


def _measure(setting: Setting, seeds: int, dataset: Dataset, program: Any) -> _Measurement:
    """One batch through each seed's untrained network."""
    spec, rows, bound = setting.network, [], None
    sizes = (setting.features, setting.classes)
    for seed in range(seeds):
        parameters, _ = engine.initial_network(spec, *sizes, seed, setting.second_moment)
        chosen = plan.shuffle(seed, 0, len(dataset.train))[:BATCH]
        arguments = (stacked.stack(parameters), dataset.train.x[chosen], dataset.train.y[chosen])
        rows.append(layer_figures.figures(spec, parameters, jax.device_get(program(*arguments))))
        if seed == 0 and spec.act == "sigmoid" and not spec.bn:
            bound = layer_figures.bound(spec, parameters, rows[0]["delta_rms"][-1])
    return _Measurement(tuple(rows), bound)


def _layers(
    setting: Setting, measured: _Measurement, prediction: Prediction
) -> tuple[DepthRecord, ...]:
    names = setting.network.layers()
    columns = {name: measured.values(name) for name in measured.seeds[0]}
    predicted: Sequence[float | None] = [layer.delta_rms for layer in prediction.layers] or [
        None
    ] * len(names)

    def one(index: int, name: str) -> DepthRecord:
        values = {key: column[:, index] for key, column in columns.items()}
        return DepthRecord(
            layer=name,
            **{key: _over_seeds(key, column) for key, column in values.items()},
            ranges={
                key: (float(v.min()), float(v.max()))
                for key, v in values.items()
                if key != "dead_fraction"
            },
            frozen=False,
            predicted_delta_rms=predicted[index],
            bound=measured.bound[index] if measured.bound else None,
        )

    return tuple(one(index, name) for index, name in enumerate(names))


def _over_seeds(name: str, values: np.ndarray) -> float:
    """Quadratic means for gradients, of which theory predicts the second moment; means for the rest."""
    if name in ("delta_rms", "gradient_norm"):
        return layer_figures.quadratic_mean(values)
    return float(values.mean())


def moral(cases: Sequence[CaseRecord]) -> str:
    """What the cases teach, in a line."""
    sick = [case for case in cases if case.verdict in ("vanishing", "exploding")]
    if not sick:
        return "In every case the gradient reaches the first layer."
    worst = min(sick, key=lambda case: case.delta_ratio if case.delta_ratio > 0 else 0.0)
    level = [case for case in cases if case.verdict == "healthy" and case.depth == worst.depth]
    text = f"{_short(worst)} {_fate(worst)} {worst.depth} layers"
    if not level:
        return f"{text}; none of these cases keeps it level."
    saved = [_short(case) for case in level if case.act == worst.act]
    names = ", ".join(dict.fromkeys(saved or [_short(case) for case in level]))  # each once
    return f"{text}; the right initialisation or batch norm keeps it level: {names}."


def _short(case: CaseRecord) -> str:
    return case.case.replace("-normal", "")


def _fate(case: CaseRecord) -> str:
    ratio = case.delta_ratio
    if case.verdict == "vanishing":
        return f"keeps {f'{ratio:.0e}' if ratio > 0 else 'nothing'} of its gradient through"
    if math.isfinite(ratio):
        return f"multiplies its gradient by {ratio:.0e} through"
    return "overflows float32 within"
