"""The house of design.md section 3: what may import what, and what starts without JAX."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dnncli

PACKAGE = Path(dnncli.__file__).parent
JAX = {"jax", "jaxlib"}
TYPES = {"jaxtyping"}

# From the ground up: floor → its files and folders, each with the libraries it may touch besides the
# standard library. A file imports only from floors above it in this table; folders may within themselves.
FLOORS = {
    "0 ground": {
        "__init__": set(),
        "errors": set(),
        "records": set(),
    },
    "0 choices": {
        "catalog": set(),
        "freezing": set(),
    },
    "0 spec": {
        "spec": set(),
    },
    "½ arithmetic and files": {
        "cache": set(),
        "decoding": set(),
        "files": set(),
        "norms": JAX | TYPES | {"numpy"},
    },
    "1 parts": {
        "activations": JAX | TYPES,
        "closed_forms": TYPES | {"numpy", "scipy"},
        "initializers": TYPES | {"numpy"},
        "schedules": TYPES | {"numpy"},
        "optimizers": JAX | TYPES | {"numpy", "optax"},
        "data": TYPES | {"numpy", "duckdb"},
        "checkpoint": TYPES | {"numpy", "safetensors"},
        "compilation": JAX,
        "device": JAX,
        "stopping": set(),
        "cases": set(),
        "grid": set(),
        "transfer_spec": set(),
        "statistics": TYPES | {"numpy", "scipy"},
    },
    "1½ folders": {
        "archive": set(),
        "tensorfile": TYPES | {"numpy", "safetensors"},
    },
    "2 network and theory": {
        "network": JAX | TYPES | {"numpy", "optax"},
        "plans": TYPES | {"numpy"},
        "meanfield": TYPES | {"numpy"},
    },
    "2½ passes": {
        "passes": JAX | TYPES,
    },
    "3 engine": {
        "engine": JAX | TYPES | {"numpy", "optax"},
        "probe": JAX | TYPES | {"numpy"},
        "snapshots": JAX | TYPES | {"numpy", "optax"},
        "verdict": set(),
    },
    "3½ histories": {
        "epochs": JAX | {"numpy"},
        "phases": JAX,
        "adoption": {"numpy"},
        "foreign": TYPES | {"numpy"},
        "probing": JAX | TYPES | {"numpy"},
        "surgery": set(),
    },
    "3¾ replays, seeds in step, standings": {
        "flight": JAX | {"numpy"},
        "lockstep": JAX | TYPES | {"numpy"},
        "standings": set(),
    },
    "3⅞ runs, parts of a comparison": {
        "runs": JAX | {"numpy"},
        "programs": JAX | {"numpy"},
        "outcomes": TYPES | {"numpy"},
    },
    "4 experiments": {
        "training": set(),
        "evaluation": JAX | TYPES | {"numpy"},
        "prediction": JAX | TYPES | {"numpy"},
        "comparison": JAX,
        "inspection": {"numpy"},
        "transfer": set(),
        "vanishing": JAX | TYPES | {"numpy"},
    },
    "5 report": {
        "report": {"rich", "matplotlib", "tensorboardX"},
    },
    "6 shell": {
        "cli": {"click", "rich", "safetensors", "tomli_w"},
        "__main__": set(),
    },
}
HEIGHT = {name: height for height, floor in enumerate(FLOORS.values()) for name in floor}
LIBRARIES = {name: allowed for floor in FLOORS.values() for name, allowed in floor.items()}
FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())


def home(file: Path) -> str:
    """The name under which a file stands in the table: its own or its folder's."""
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(file: Path) -> set[str]:
    """Every module a file imports anywhere in it, with dots; `from package import module` is resolved."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_homes(file: Path) -> set[str]:
    """The parts of the package that a file imports."""
    parts = [name.split(".") for name in imported(file) if name.split(".")[0] == "dnncli"]
    known = {home(other) for other in FILES}
    return {part[1] if len(part) > 1 and part[1] in known else "__init__" for part in parts}


@every_file
def test_a_file_stands_on_a_floor(file):
    assert home(file) in HEIGHT


@every_file
def test_a_file_imports_only_from_floors_below(file):
    me = home(file)
    others = own_homes(file) - ({me} if file.parent != PACKAGE else set())
    assert not {
        other for other in others if HEIGHT[other] >= HEIGHT[me] and (me, other) != ("__main__", "cli")
    }


@every_file
def test_a_file_touches_only_the_libraries_of_its_floor(file):
    libraries = {name.split(".")[0] for name in imported(file)} - sys.stdlib_module_names - {"dnncli"}
    assert libraries <= LIBRARIES[home(file)]


def test_every_floor_is_inhabited():
    assert {home(file) for file in FILES} == set(HEIGHT)


@every_file
def test_a_file_is_at_most_300_lines(file):
    assert len(file.read_text().splitlines()) <= 300


def test_there_is_no_drawer_for_odds_and_ends():
    assert not [file for file in FILES if file.stem in ("utils", "util", "helpers", "misc", "common_utils")]


@every_file
def test_only_the_shell_prints(file):
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "input")]
    assert home(file) == "cli" or not prints


@every_file
def test_a_file_says_what_it_is_for(file):
    assert ast.get_docstring(ast.parse(file.read_text()))


HEAVY = ("jax", "jaxlib", "optax", "numpy", "scipy", "matplotlib", "safetensors", "duckdb")


def heavy_imports(
    arguments: list[str], environment: dict[str, str] | None = None
) -> tuple[set[str], int, str]:
    """The heavy libraries that a command line imports, its exit code and output, in a new process."""
    code = (
        "import sys\n"
        "from dnncli.cli import program\n"
        f"sys.argv = ['dnncli', *{arguments!r}]\n"
        "try:\n    program.main()\n"
        "except SystemExit as end:\n    code = end.code\n"
        f"print('\\n@', code or 0, *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert "@" in run.stdout, run.stderr
    output, _, report = run.stdout.rpartition("@")
    code, *names = report.split()
    return set(names), int(code), output + run.stderr


def commands() -> list[str]:
    from dnncli.cli.program import COMMANDS

    return list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["no-such-command"], 2),
        (["train", "--act", "rleu"], 2),
        (["train", "--lr", "nan"], 2),
        (["train", "--hidden", "300,,100"], 2),
        (["train", "--act", "relu", "--alpha", "0.1"], 2),
        (["train", "--optimizer", "adam", "--momentum", "0.9"], 2),
        (["eval"], 2),
        *(([command, "--help"], 0) for command in commands()),
        *((["data", command, "--help"], 0) for command in ("list", "show", "fetch")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_help_and_usage_errors_come_without_jax_or_numpy(arguments, status):
    heavy, code, output = heavy_imports(arguments)
    assert code == status, output
    assert not heavy
    assert output.strip()


def test_completion_of_activations_comes_without_jax_or_numpy(monkeypatch):
    import os

    environment = os.environ | {
        "_DNNCLI_COMPLETE": "bash_complete",
        "COMP_WORDS": "dnncli train --act s",
        "COMP_CWORD": "3",
    }
    heavy, _, output = heavy_imports([], environment)
    assert not heavy
    assert {"sigmoid", "selu", "swish", "softplus"} <= {line.split(",")[-1] for line in output.split()}
