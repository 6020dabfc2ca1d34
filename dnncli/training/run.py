"""A run as a generator of epochs: what every experiment iterates."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from dnncli.data import Dataset
from dnncli.diagnosis.context import NetworkContext
from dnncli.diagnosis.first_step import attribute_divergence
from dnncli.diagnosis.verdict import diagnose
from dnncli.nn.network import TrainState, kernels_of
from dnncli.records import EpochRecord, Finding, Metric, Score
from dnncli.spec import RunSpec
from dnncli.training import (
    early_stopping,
    engine,
    epoch_record,
    memory,
    packing,
    phases,
    placement,
    replay,
    streaming,
)
from dnncli.training.devices import Devices
from dnncli.training.history import RunHistory, advance
from dnncli.training.phases import Outcome, Phase
from dnncli.training.program import initial_network, initial_state
from dnncli.training.snapshot import Snapshot, summary

Begin = Callable[[Snapshot, int], tuple[Phase, float]]


@dataclass(frozen=True)
class Progress:
    """What the generator yields: an epoch's record and the run after it.

    `stopped` says why this epoch was the last (epochs, patience, diverged, condition), else it is
    None. After a divergence the snapshot is of the last finite epoch; `cause` says what broke
    first, or which condition was met.
    """

    record: EpochRecord
    snapshot: Snapshot
    compile_seconds: float
    stopped: str | None = None
    cause: Finding | None = None


@dataclass(frozen=True)
class Underway:
    """What comes before an epoch's `Progress` where it is trained on block by block.

    snapshot: of the last whole epoch, with the epoch (from 1) under way. blocks: how many it has.
    """

    epoch: int
    blocks: int
    snapshot: Snapshot


def start(spec: RunSpec, dataset: Dataset) -> Snapshot:
    """The run before its first epoch; task and loss are those that the data make.

    Raises SpecError for a loss or a monitored metric of the other task, DnncliError where the run
    does not fit into memory.
    """
    spec = spec.resolved(dataset.task)
    memory.check(spec, dataset.features, dataset.outputs, len(dataset.train))
    early_stopping.check(spec, dataset)
    program = phases.program(spec, len(dataset.train), 0)
    moment = dataset.train.second_moment
    state = initial_state(program, dataset.features, dataset.outputs, spec.seed, moment)
    start = kernels_of(state.network.parameters)
    return Snapshot(RunHistory(spec), state.network, state, summary(dataset), start=start)


def _with_start(snapshot: Snapshot, dataset: Dataset) -> Snapshot:
    """A stored run from scratch with the kernels it began with: its seed draws the same again."""
    if snapshot.start is not None or snapshot.origin is not None:
        return snapshot
    spec = snapshot.spec
    moment = dataset.train.second_moment
    sizes = (dataset.features, dataset.outputs, spec.seed, moment)
    drawn = initial_network(spec.network, *sizes)
    return replace(snapshot, start=kernels_of(drawn.parameters))


def run(
    snapshot: Snapshot,
    dataset: Dataset,
    stop_on: Sequence[str] = (),
    *,
    cache: bool = True,
    devices: Devices | None = None,
) -> Iterator[Progress]:
    """Train from a snapshot to the spec's last epoch, or until it stops improving or diverges.

    Arguments are those of `events`.
    """
    moments = events(snapshot, dataset, stop_on, cache=cache, devices=devices)
    return (one for one in moments if isinstance(one, Progress))


def events(
    snapshot: Snapshot,
    dataset: Dataset,
    stop_on: Sequence[str] = (),
    *,
    cache: bool = True,
    devices: Devices | None = None,
) -> Iterator[Progress | Underway]:
    """The same, and where an epoch comes in several blocks, each of them but the last.

    `stop_on` are verdicts that end the run at the epoch that earns them. With `cache` the outputs
    of frozen layers are computed once a phase; the results are the same without. devices: those
    that share each batch; they change the results by float rounding.
    """
    count = devices.count if devices else 1
    snapshot = replace(_with_start(snapshot, dataset), devices=count)
    spec = snapshot.spec
    context = network_context(spec, dataset)
    begin = _beginning(dataset, cache, devices)
    compiling = 0.0
    phase: Phase | None = None
    for epoch in range(snapshot.history.epoch, spec.schedule.epochs):
        if phase is None or spec.freezing.frozen(epoch + 1) != phase.frozen:
            phase, seconds = begin(snapshot, epoch)
            compiling += seconds
        before = snapshot.state
        after, outcome = yield from _underway(phase, snapshot, epoch)
        if not outcome.finite:
            broken, crash = _explained_crash(phase, snapshot, epoch, context)
            yield Progress(outcome.record, broken, compiling, "diverged", crash)
            return
        snapshot = snapshot.after(after, _advanced(snapshot, outcome))
        snapshot, cause = _met_condition(phase, snapshot, before, context, stop_on)
        stopped = snapshot.history.stopped
        yield Progress(outcome.record, snapshot, compiling, stopped, cause)
        if stopped:
            return


def _underway(
    phase: Phase, snapshot: Snapshot, epoch: int
) -> Generator[Underway, None, tuple[TrainState, Outcome]]:
    """The epoch (counted from 0) that follows, with what can be told and saved under way."""
    with closing(phase.parts(snapshot, epoch)) as parts:
        while True:
            try:
                within = next(parts)
            except StopIteration as end:
                after, outcome = end.value
                return after, outcome
            yield Underway(epoch + 1, phase.blocks, replace(snapshot, within=within))


def _beginning(dataset: Dataset, cache: bool, devices: Devices | None) -> Begin:
    """What gives the compiled phase of an epoch, and the seconds that took."""
    if dataset.stored:
        return lambda snapshot, _: _timed(lambda: streaming.begin(snapshot, dataset))
    blocks = (
        placement.block(dataset.train, devices),
        placement.block(dataset.validation, devices),
    )

    def begin(snapshot: Snapshot, epoch: int) -> Phase:
        phase = phases.begin(snapshot, *blocks, epoch, cache=cache, devices=devices)
        return phases.compiled(phase, snapshot.state)

    return lambda snapshot, epoch: _timed(lambda: begin(snapshot, epoch))


def _timed(begin: Callable[[], Phase]) -> tuple[Phase, float]:
    """A phase, and the seconds that it took to begin."""
    began = time.perf_counter()
    phase = begin()
    return phase, time.perf_counter() - began


def _advanced(snapshot: Snapshot, outcome: Outcome) -> RunHistory:
    """The history after a finite epoch; an untrained network's first epoch adds the first step."""
    history = advance(snapshot.history, outcome.record)
    reused = snapshot.origin or snapshot.spec.freezing.freeze
    if snapshot.history.epochs or reused:
        return history
    return replace(history, initial=outcome.initial)


def _explained_crash(
    phase: Phase, snapshot: Snapshot, epoch: int, context: NetworkContext
) -> tuple[Snapshot, Finding]:
    """What broke in an epoch, and the last finite snapshot with the steps up to there."""
    crash, steps = replay.first_nonfinite_step(phase, snapshot.state, epoch)
    if steps[0].epoch == steps[0].step == 1:
        crash = attribute_divergence(context, crash, steps[0].layers)
    told = replay.of_all_layers(phase, steps)
    return replace(snapshot, steps=told, within=None), crash


def _met_condition(
    phase: Phase,
    snapshot: Snapshot,
    before: TrainState,
    context: NetworkContext,
    stop_on: Sequence[str],
) -> tuple[Snapshot, Finding | None]:
    """The snapshot, stopped where its last epoch earned one of the verdicts `stop_on`.

    The finding then names the first step that earned it, and the snapshot has the steps up to
    there.
    """
    if not stop_on:
        return snapshot, None
    record = snapshot.history.epochs[-1]
    findings = diagnose(context, record.layers).findings
    cause = next((finding for finding in findings if finding.rule in stop_on), None)
    if cause is None:
        return snapshot, None
    epoch = record.epoch - 1
    step, steps = replay.first_step_meeting(phase, before, epoch, context, cause.rule)
    evidence = f"{cause.evidence}, since epoch {record.epoch}, step {step}"
    stopped = replace(
        snapshot,
        history=replace(snapshot.history, stopped="condition"),
        steps=replay.of_all_layers(phase, steps),
    )
    return stopped, replace(cause, evidence=evidence)


def network_context(spec: RunSpec, dataset: Dataset) -> NetworkContext:
    """What theory needs to know of a run; its loss is that of the data's task."""
    spec = spec.resolved(dataset.task)
    moment = dataset.train.second_moment
    return NetworkContext(spec.network, dataset.features, dataset.outputs, moment, spec)


def test_score(snapshot: Snapshot, dataset: Dataset) -> Score:
    """The best epoch's loss on the test set, and its accuracy, or the metrics of a regression."""
    return test_answers(snapshot, dataset)[0]


def test_answers(
    snapshot: Snapshot, dataset: Dataset
) -> tuple[Score, Float32[np.ndarray, "examples outputs"]]:
    """The same, and what the network puts out for each example of the test set."""
    test = placement.block(dataset.test)
    spec = snapshot.spec
    network = packing.packed_network(snapshot.answering)
    score = engine.compiled_answer(spec.network, spec.loss, network, test)
    found, outputs = placement.fetch(score)
    values = epoch_record.in_units(found, dataset.quantities)
    if "accuracy" in values:
        return Score(float(found.loss), values["accuracy"]), outputs
    metrics = {name: Metric(value) for name, value in values.items()}
    return Score(float(found.loss), None, metrics), outputs
