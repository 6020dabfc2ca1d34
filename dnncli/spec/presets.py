"""Presets: named sets of options for a kind of data, of which every one can still be given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dnncli.spec import catalog
from dnncli.spec.data import DataSpec
from dnncli.spec.suffixes import is_table
from dnncli.spec.training import AUTO, UpdateSpec

PLAIN = "plain"
TABULAR = "tabular"


@dataclass(frozen=True)
class Preset(catalog.Entry):
    """options: what it sets, by name; everything else has the defaults of `plain`."""

    options: Mapping[str, Any] = field(default_factory=dict)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(PLAIN, "one set of defaults for every kind of data"),
        Preset(
            TABULAR,
            "what did best over many tables",
            "after Holzmueller et al. 2024",
            options={
                "scale": "tabular",
                "lr": 4e-3,
                "schedule": "cosine",
                "batch_size": AUTO,
                "epochs": 60,
                "patience": 20,
            },
        ),
    )
}


def resolve(name: str) -> Preset:
    """The preset of this name. Raises UnknownNameError where there is none."""
    return catalog.resolve(PRESETS, name, "preset", "--preset")


def fill(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with those that their preset sets, unless they were given.

    A learning rate goes with the optimizer that it was tuned for, the default one. Raises
    UnknownNameError for a preset that there is not.
    """
    preset = resolve(options.get("preset", PLAIN))
    added = dict(preset.options)
    if options.get("optimizer", UpdateSpec.optimizer) != UpdateSpec.optimizer:
        added.pop("lr", None)
    return {**added, **options, "preset": preset.name}


def for_data(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with the name of their data's preset, unless one was given: tabular for tables."""
    own = TABULAR if is_table(options.get("data", DataSpec.data)) else PLAIN
    return {"preset": own, **options}


def still_set(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's preset set and nobody changed, of all its resolved options."""
    own = resolve(options["preset"]).options
    return {name: value for name, value in own.items() if options[name] == value}
