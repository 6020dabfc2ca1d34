"""Forked processes that find JAX's programs traced already, which is most of a small run's time.

The parent has run the commands, so JAX has begun there, and its threads do not exist in a forked
process. What depends on them is made anew there: the device's client, everything that JAX has kept
of it, and the thread pool with which programs are lowered. What has been traced stays.
"""

import importlib
from collections.abc import Iterator
from typing import Any

from jax._src import pjit, xla_bridge
from jax._src.interpreters import mlir

# Modules that keep devices, or what is compiled for them.
MODULES = (
    *("interpreters.pxla", "dispatch", "compiler", "sharding_impls", "array", "api"),
    *("xla_bridge", "mesh", "named_sharding"),
)
TRACES = ("trace", "infer", "jaxpr")  # in the names of caches that hold no device
_kept: list[Any] = []  # objects of the parent whose end would wait for its threads


def begun() -> bool:
    """Whether JAX has begun in this process, or in the one that it was forked from."""
    return bool(xla_bridge._backends)


def renew() -> None:
    """In a forked process: let JAX begin again, with what it has traced."""
    _kept.append((xla_bridge._backends, xla_bridge._default_backend, mlir.global_thread_pool))
    xla_bridge._backends = {}
    xla_bridge._backend_errors = {}
    xla_bridge._default_backend = None
    for cache in _caches():
        cache.cache_clear()
    pjit._cpp_pjit_cache_fun_only.clear()
    pjit._cpp_pjit_cache_explicit_attributes.clear()
    pjit.xc._xla.PjitFunctionCache.clear_all()
    mlir.global_thread_pool = mlir.ir.ThreadPool()


def _caches() -> Iterator[Any]:
    """The caches of functions that may hold the parent's devices."""
    for module in (*(importlib.import_module(f"jax._src.{name}") for name in MODULES), pjit):
        for name, value in vars(module).items():
            traced = module is pjit and any(word in name for word in TRACES)
            if hasattr(value, "cache_clear") and not traced:
                yield value
