"""What a run is: frozen, validated records of every option, and what there is to choose from."""

from dnncli.spec.checks import option
from dnncli.spec.data import Amount, DataSpec
from dnncli.spec.network import NetworkSpec
from dnncli.spec.run import GROUPS, OWN, RunSpec, from_options, resolved
from dnncli.spec.training import ScheduleSpec, StoppingSpec, UpdateSpec

__all__ = [
    "GROUPS",
    "OWN",
    "Amount",
    "DataSpec",
    "NetworkSpec",
    "RunSpec",
    "ScheduleSpec",
    "StoppingSpec",
    "UpdateSpec",
    "from_options",
    "option",
    "resolved",
]
