"""The preset of a command's run: that of its data, unless one is given."""

from typing import Any

from dnncli.cli import options
from dnncli.cli.command import section
from dnncli.cli.types import Name
from dnncli.diagnosis.remedy import flags
from dnncli.spec import presets
from dnncli.spec.suffixes import is_table

TABULAR = flags(presets.PRESETS[presets.TABULAR].options)

option = section(
    "Preset",
    options.option(
        "--preset",
        type=Name(presets.PRESETS, "preset"),
        default="tabular for tables, else plain",
        help=f"Defaults for a kind of data, over which options win; tabular: {TABULAR}.",
    ),
)


def fill(run: dict[str, Any]) -> dict[str, Any]:
    """Run options with their data's preset, unless one was given."""
    data = run.get("data", options.DEFAULTS["data"])
    own = presets.TABULAR if is_table(data) else presets.PLAIN
    return {"preset": own, **run}
