"""What dnncli runs on and with: the machine, and every library with its version and licence.

Both come from the installed packages' metadata: no library is imported for them.
"""

import os
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

# What pyproject.toml names, which tests compare with it.
REQUIRED = (
    *("jax", "jaxlib", "optax", "numpy", "scipy", "duckdb", "nanoarrow", "safetensors"),
    *("jaxtyping", "jinja2", "flatbuffers", "rich", "click", "tomli-w"),
)
OPTIONAL = (
    *("matplotlib", "tensorboardX", "openpyxl", "pillow", "onnx", "scikit-learn", "optuna"),
)
PLUGINS = "jax_plugins"  # entry points by which JAX finds GPUs and TPUs
LICENCE = "License :: OSI Approved :: "
LONGEST_LICENCE = 40  # some packages have the whole text in that field
REQUIREMENT = re.compile(r"[\w.-]+")


def lines() -> Iterator[str]:
    """A line each for the machine and for every package."""
    yield from _machine()
    for title, packages in _packages().items():
        yield f"\n{title}"
        yield from map(_package, packages)


def _machine() -> Iterator[str]:
    """Python, the system and the processors, without starting JAX."""
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"platform {platform.platform()}"
    plugins = [plugin.name for plugin in metadata.entry_points(group=PLUGINS)]
    processors = len(os.sched_getaffinity(0))
    yield f"devices cpu ({processors} processors){''.join(f', {name}' for name in plugins)}"


def _packages() -> dict[str, list[str]]:
    """Names of packages: required, optional, what brings devices, and what all these need."""
    plugins = [_distribution(plugin) for plugin in metadata.entry_points(group=PLUGINS)]
    named = {"requires": [*REQUIRED], "optional": [*OPTIONAL], "devices": sorted({*plugins} - {""})}
    direct = [name for names in named.values() for name in names]
    named["these need"] = sorted(_needed(direct) - {_canonical(name) for name in direct})
    return {title: names for title, names in named.items() if names}


def _distribution(plugin: metadata.EntryPoint) -> str:
    return plugin.dist.name if plugin.dist else ""


def _needed(names: list[str]) -> set[str]:
    """Every installed package that these need, and those that they need."""
    seen: set[str] = set()
    left = [*names]
    while left:
        name = _canonical(left.pop())
        if name in seen or _metadata(name) is None:
            continue
        seen.add(name)
        requirements = metadata.requires(name) or ()
        found = [REQUIREMENT.match(text) for text in requirements if "extra" not in text]
        left += [match[0] for match in found if match]
    return seen


def _canonical(name: str) -> str:
    """A package's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _metadata(name: str) -> Any:
    """An installed package's metadata; None where there is none of that name."""
    try:
        return metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str) -> str:
    """`jax 0.10.1  Apache-2.0`."""
    about = _metadata(name)
    if about is None:
        return f"{name} not installed"
    return f"{name} {about['Version']}  {_licence(about)}".rstrip()


def _licence(about: Any) -> str:
    """A package's licence in a few words, where its metadata have it so; else nothing."""
    if expression := about.get("License-Expression"):
        return str(expression)
    text = str(about.get("License") or "")
    if text and "\n" not in text and len(text) <= LONGEST_LICENCE:
        return text
    classified = [entry for entry in about.get_all("Classifier") or () if entry.startswith(LICENCE)]
    return ", ".join(entry.removeprefix(LICENCE) for entry in classified)
