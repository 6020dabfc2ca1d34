"""Where dnncli keeps what it can get again: compiled programs and downloaded data."""

import os
from pathlib import Path


def folder() -> Path:
    """$DNNCLI_CACHE, else dnncli's part of the XDG cache folder."""
    if own := os.environ.get("DNNCLI_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dnncli"
