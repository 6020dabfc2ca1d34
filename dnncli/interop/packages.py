"""Libraries that a format needs besides our own."""

import importlib.util

from dnncli.errors import DnncliError
from dnncli.spec.exports import EXPORTS


def check(format_: str) -> None:
    """Raise DnncliError where the library that a format needs is missing."""
    package = EXPORTS[format_].package
    if package and importlib.util.find_spec(package) is None:
        raise DnncliError(
            f"files of this format need {package}, which is not installed:"
            f" pip install 'dnncli[{format_}]'."
        )
