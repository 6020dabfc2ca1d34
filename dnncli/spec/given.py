"""The fewest options that make a run: what a person would type."""

from collections.abc import Mapping

from dnncli.errors import SpecError
from dnncli.spec.run import RunSpec, from_options
from dnncli.spec.suffixes import is_table


def given_options(spec: RunSpec) -> dict[str, object]:
    """The fewest options that make the run: those whose defaults would make another one."""
    options = spec.options()
    for name in list(options):
        others = {other: value for other, value in options.items() if other != name}
        if _makes(others, spec):
            options = others
    return options


def options_to_type(spec: RunSpec) -> dict[str, object]:
    """The fewest options that make the run with `train`, whose preset for tables is not plain."""
    options = given_options(spec)
    if is_table(spec.data.data):
        options["preset"] = spec.preset
    return options


def _makes(options: Mapping[str, object], spec: RunSpec) -> bool:
    """Whether the options make the run."""
    try:
        return from_options(options) == spec
    except SpecError:
        return False
