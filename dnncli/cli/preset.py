"""The option of a preset, which commands that train from scratch have."""

from dnncli.cli import options
from dnncli.cli.command import section
from dnncli.cli.types import Name
from dnncli.diagnosis.remedy import flags
from dnncli.spec import presets

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
