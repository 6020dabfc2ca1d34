"""For every test: warnings are errors, JAX promotes nothing silently, shapes are checked.

The checks must be installed before the package is imported, hence the order here.
"""

import gc
import importlib
import os
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import checking
import jax
import jaxtyping
import optax
import pytest
import quick
from xdist.scheduler import LoadFileScheduling

checking.install()

# All processes of a test run share compiled programs, apart from the user's cache; xdist's workers
# inherit the folder.
if "PYTEST_XDIST_WORKER" not in os.environ:
    CACHE = tempfile.TemporaryDirectory(prefix="dnncli-tests-", ignore_cleanup_errors=True)
    os.environ["DNNCLI_CACHE"] = CACHE.name

# A shell's background ignores interrupts, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Command lines that tests run in processes of their own read compiled modules: half a second each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")


def with_own_promotion(rule):
    """An update rule in which Optax may promote (Adam raises a float to an int32 count)."""

    def build(spec):
        init, update = rule(spec)

        def update_as_optax(*arguments, **options):
            with jax.numpy_dtype_promotion("standard"):
                return update(*arguments, **options)

        return optax.GradientTransformation(init, update_as_optax)

    return build


optimizers = importlib.import_module("dnncli.nn.optimizers")
for name, rule in optimizers.OPTIMIZERS.items():
    optimizers.OPTIMIZERS[name] = with_own_promotion(rule)


def pytest_configure(config: pytest.Config) -> None:
    """Make every warning an error."""
    config.addinivalue_line("filterwarnings", "error")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: no search for what may go, now or later, looks through it."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


# Files that take longest, which come first, or one process would be left with them at the end.
LONGEST = ("test_readme", "test_fuzz", "test_observing", "test_estimators")
# Files that share subjects.one_step, half of their time, and so a process.
OF_ONE_STEP = (
    "nn/test_layer_stats.py",
    "training/test_engine.py",
    "training/test_against_torch.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


class Scheduling(LoadFileScheduling):
    """A file's tests stay together, and files that share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        """The tests that stay together with this one, by a name."""
        file = super()._split_scope(nodeid)
        return "one step" if file.endswith(OF_ONE_STEP) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """How tests are shared out among processes."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data beside the repository; without it, tests that need it are skipped."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    return folder


# A compiled program is mapped into memory in dozens of pieces, and Linux lets a process have 65,530;
# beyond that LLVM crashes. Half of it leaves room for the largest file of tests.
MAPPED = Path("/proc/self/maps")
MAX_MAPPED = 32_000


@pytest.fixture(autouse=True, scope="module")
def programs_are_dropped():
    """Once compiled programs fill half of what a process may map, all are dropped (and load again)."""
    yield
    if MAPPED.exists() and MAPPED.read_bytes().count(b"\n") > MAX_MAPPED:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="module")
def quick_compilation():
    """Programs are compiled fast rather than fast themselves."""
    with quick.compilation():
        yield


@pytest.fixture(scope="module")
def unchecked():
    """Shapes are not checked, which takes a third of a command's time: tests of the core do it."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
