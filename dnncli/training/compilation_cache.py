"""JAX's persistent compilation cache: a program's second run starts in 0.05 s instead of 1 s."""

import functools
import hashlib
import os
import platform
import warnings
from pathlib import Path

import jax
import jaxlib.version

from dnncli.storage import cache


def enable() -> str | None:
    """Keep compiled programs on disk, unless the user has set JAX's own variable for it.

    Entries are unsafe across jaxlib versions and processors, so the folder is keyed by both. Where
    the folder cannot be written, JAX compiles as it would without a cache. So it does where others
    could have put programs there, which run as this user's own code: returns what to say of that.
    """
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return None
    own = folder()
    cache.make_private(own)
    if reason := cache.distrusted(own):
        return (
            f"{reason}: no compiled programs are taken from there; set DNNCLI_CACHE to a folder of"
            " your own, or `chmod -R go-w` it."
        )
    jax.config.update("jax_compilation_cache_dir", str(own))
    # The defaults keep only what took over a second to compile, which nothing here does.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_raise_persistent_cache_errors", False)
    # JAX warns of a full disk and of a damaged entry in several lines; here that costs only time.
    for what in ("writing", "reading"):
        warnings.filterwarnings(
            "ignore", message=f"Error {what} persistent compilation cache entry"
        )
    return None


def folder() -> Path:
    """Where programs of this version of XLA for this processor are kept."""
    return cache.folder() / "programs" / f"jaxlib-{jaxlib.version.__version__}-{_processor()}"


@functools.cache
def _processor() -> str:
    """A short key for the kind of processor: its model and its instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor(), platform.machine()]
    kind = sorted(
        {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    )
    return hashlib.sha256("\n".join(kind or lines).encode()).hexdigest()[:12]
