"""Programs that are compiled fast rather than fast themselves, here and in other processes.

Most of the tests' time is XLA's: without optimisation, and with the older of its two ways to write
loops for a CPU, it takes a third of that. What is computed is the same but for rounding.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax
import pytest
from jax._src import compiler

USUAL = compiler.get_compile_options
UNOPTIMISED = "jax_disable_most_optimizations"
OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


@cache
def known() -> dict[str, Any]:
    """OPTIONS, where this XLA has all of them: one that it does not know is an error."""
    try:
        jax.jit(lambda: 0).lower().compile(compiler_options=OPTIONS)
    except jax.errors.JaxRuntimeError:
        return {}
    return OPTIONS


@contextmanager
def compilation() -> Iterator[None]:
    """What is compiled inside is compiled quickly."""
    before = jax.config.read(UNOPTIMISED)
    options = known()  # before XLA_FLAGS are set: from then on this process goes by its own
    usual = compiler.get_compile_options

    def quick(*arguments: Any, **settings: Any) -> Any:
        made = usual(*arguments, **settings)
        # The last of a name counts: also where the package has options of its own.
        made.env_option_overrides = [*made.env_option_overrides, *options.items()]
        return made

    flags = [f"--{name}={str(value).lower()}" for name, value in options.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", " ".join([os.environ.get("XLA_FLAGS", ""), *flags]))
        patch.setenv(UNOPTIMISED.upper(), "1")
        patch.setattr(compiler, "get_compile_options", quick)
        jax.config.update(UNOPTIMISED, True)
        try:
            yield
        finally:
            jax.config.update(UNOPTIMISED, before)


@contextmanager
def off() -> Iterator[None]:
    """What is compiled inside is compiled as users' programs are, also where `compilation` holds."""
    before = jax.config.read(UNOPTIMISED)
    flags = os.environ.get("XLA_FLAGS", "").split()
    others = [flag for flag in flags if not flag.removeprefix("--").startswith(tuple(OPTIONS))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", " ".join(others))
        patch.delenv(UNOPTIMISED.upper(), raising=False)
        patch.setattr(compiler, "get_compile_options", USUAL)
        jax.config.update(UNOPTIMISED, False)
        _drop_programs()
        try:
            yield
        finally:
            jax.config.update(UNOPTIMISED, before)
            _drop_programs()


def _drop_programs() -> None:
    """Forget what is compiled: JAX does not keep apart how it was."""
    # Not at the head: the package must not be imported before its shapes are checked (conftest.py).
    from dnncli.training import traced_programs

    jax.clear_caches()
    traced_programs._compiled.cache_clear()
