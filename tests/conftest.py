"""What every test runs under: warnings are errors, JAX promotes nothing silently, shapes are checked.

The import hook makes beartype check every jaxtyping annotation of the package; it must be installed
before the package is imported, hence the order here.
"""

import os
import tempfile
from pathlib import Path

import jax
import jaxtyping
import pytest

# The numeric tower: where a float is asked for, an int will do, as type checkers have it.
CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
jaxtyping.install_import_hook("dnncli", CHECKER)

# Programs that several tests or processes compile are compiled once a session; the user's cache is left alone.
CACHE = tempfile.TemporaryDirectory(prefix="dnncli-tests-", ignore_cleanup_errors=True)
os.environ["DNNCLI_CACHE"] = CACHE.name

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")


def pytest_configure(config: pytest.Config) -> None:
    """Make every warning an error."""
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data beside the repository; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    return folder
