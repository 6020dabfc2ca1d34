"""The result of `tour`, and all that its stations can observe."""

from dataclasses import dataclass
from typing import Any

from dnncli.records.observations.comparisons import (
    BetterThanSigmoid,
    DeadUnits,
    FasterByTheClock,
    FasterToAccuracy,
    MeanNearerZero,
    SlowerToAnswer,
    SlowerToTrain,
    StoppedEarly,
    SwishAgainst,
    TrainAboveTest,
)
from dnncli.records.observations.gradients import (
    BothWays,
    ClippingSaves,
    GradientExplodes,
    GradientShrinks,
    HeKeepsForwards,
    InitialisationSaves,
    RunBreaks,
    StaysFlat,
    UnequalLayers,
    UnitsAreFlat,
    VarianceAsPublished,
    WithinBound,
    XavierCompromises,
)
from dnncli.records.observations.training import (
    ClippedLayers,
    ClippingFades,
    ClippingSlows,
    FrozenIsNotEnough,
    HighFromFirst,
    LargerRate,
    LastBatchCounts,
    LevelAfterSteps,
    MeansAgree,
    NamesAreTaken,
    NormLearns,
    NormLevels,
    PriceOfVariance,
    ReuseHelps,
    SmootherLoss,
    TrainingLevels,
    VarianceOff,
)

Observation = (
    WithinBound
    | GradientShrinks
    | UnitsAreFlat
    | StaysFlat
    | GradientExplodes
    | RunBreaks
    | ClippingSaves
    | InitialisationSaves
    | VarianceAsPublished
    | BothWays
    | UnequalLayers
    | XavierCompromises
    | HeKeepsForwards
    | MeanNearerZero
    | DeadUnits
    | SwishAgainst
    | SlowerToTrain
    | SlowerToAnswer
    | FasterToAccuracy
    | FasterByTheClock
    | StoppedEarly
    | BetterThanSigmoid
    | TrainAboveTest
    | NormLevels
    | NormLearns
    | TrainingLevels
    | LevelAfterSteps
    | LargerRate
    | SmootherLoss
    | MeansAgree
    | VarianceOff
    | LastBatchCounts
    | PriceOfVariance
    | ClippedLayers
    | ClippingFades
    | ClippingSlows
    | HighFromFirst
    | NamesAreTaken
    | ReuseHelps
    | FrozenIsNotEnough
)


Figure = float | int | str | tuple[float, ...]


@dataclass(frozen=True)
class ToldObservation:
    """An observation in words; figures: the observation's own, by name."""

    observation: str
    shown: bool
    figures: dict[str, Figure]
    sentence: str


@dataclass(frozen=True)
class StationRecord:
    """One station after its run, in one language. picture: the file that was drawn, if any."""

    idea: str
    title: str
    question: str
    formula: str
    commands: tuple[str, ...]
    observations: tuple[ToldObservation, ...]
    exercise: str
    answer: str
    picture: str | None
    seconds: float


@dataclass(frozen=True)
class ListedStation:
    """One station that was not visited, in one language."""

    idea: str
    title: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class TourRecord:
    """The result of `tour`: the stations that were visited, or with --list those that there are."""

    config: dict[str, Any]
    stations: tuple[StationRecord, ...] | tuple[ListedStation, ...]
    seconds: float
