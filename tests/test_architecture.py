"""The house: eight whole floors, what may import what, and what starts without JAX."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import dnncli

PACKAGE = Path(dnncli.__file__).parent
COMMON = {"jaxtyping", "numpy"}
JAX = {"jax", "jaxlib", "optax"}

# The floors, each with its rooms and the libraries that a room may use besides the standard
# library. A file imports from floors below its own and from its own room; rooms of one floor do not
# meet.
FLOORS = (
    {"errors": set(), "stages": set(), "__init__": set()},
    {"spec": set(), "records": set(), "storage": COMMON | {"safetensors"}},
    {"data": COMMON | {"duckdb", "nanoarrow", "openpyxl", "PIL"}, "theory": COMMON | {"scipy"}},
    {"nn": COMMON | JAX, "diagnosis": set()},
    {"training": COMMON | JAX, "interop": COMMON | {"jax", "onnx", "google"}},
    {"experiments": COMMON | JAX | {"scipy", "sklearn", "optuna"}},
    {
        "report": {"numpy", "rich", "tensorboardX"},
        "report.figures": {"numpy", "matplotlib"},
        "report.page": {"jinja2", "markupsafe", "rich"},
    },
    {"cli": {"click", "rich", "tomli_w"}, "__main__": set()},
)
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}
LIBRARIES = {room: allowed for floor in FLOORS for room, allowed in floor.items()}
FILES = sorted(PACKAGE.rglob("*.py"))
# Folders without code. docs: the README in other languages, which a wheel brings along.
PAGES = {"docs"}
LONGEST_FILE = 300
LONGEST_FUNCTION = 40


@cache
def tree(file: Path) -> ast.Module:
    """A file's syntax, which only the process that has these tests reads."""
    return ast.parse(file.read_text())


def module(file: Path) -> str:
    """A file's name with dots, without `dnncli.`; an `__init__` goes by its folder's name."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


MODULES = {module(file): file for file in FILES}


def room(name: str) -> str:
    """The room that a module stands in."""
    outer, _, rest = name.partition(".")
    inner = f"{outer}.{rest.partition('.')[0]}"
    return inner if inner in HEIGHT else outer


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere; of `from package import module` the module."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                imported = whole if own(whole) in MODULES else str(node.module)
                yield imported


def libraries(file: Path) -> set[str]:
    """The outermost packages that a file imports."""
    return {imported.split(".")[0] for imported in imports(file)}


def own(name: str) -> str:
    """A module of the package without `dnncli.`."""
    return name.removeprefix("dnncli.") if name != "dnncli" else "__init__"


def arrows() -> Iterator[tuple[str, str]]:
    """Who imports whom inside the package; its own `__init__` is a door and only names things."""
    for name, file in MODULES.items():
        if name == "__init__":
            continue
        for imported in imports(file):
            if imported.split(".")[0] == "dnncli" and own(imported) != name:
                yield name, own(imported)


def test_files_import_only_from_their_own_room_and_floors_below() -> None:
    allowed = {("__main__", "cli"), ("cli", "__init__"), ("report", "report.figures")}
    allowed |= {("report.figures", "report"), ("report.page", "report")}
    offenders = [
        f"{name} imports {other}"
        for name, other in arrows()
        if room(name) != room(other)
        and HEIGHT[room(other)] >= HEIGHT[room(name)]
        and (room(name), room(other)) not in allowed
    ]
    assert not offenders


def test_files_use_only_the_libraries_of_their_room() -> None:
    known = sys.stdlib_module_names | {"dnncli"}
    offenders = [
        f"{name} imports {library}"
        for name, file in MODULES.items()
        for library in libraries(file)
        if library not in known | LIBRARIES[room(name)]
    ]
    assert not offenders


def test_no_imports_go_in_a_circle() -> None:
    """Also inside rooms. A folder's `__init__`, which gathers names, counts as its files."""
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, other in arrows():
        if not other.startswith(f"{name}."):  # an `__init__` that gathers
            graph[name].add(other)
    order = []
    while graph:
        free = sorted(name for name, others in graph.items() if not others & graph.keys())
        assert free, f"a circle among {sorted(graph)}"
        order += free
        graph = {name: others for name, others in graph.items() if name not in free}
    assert len(order) == len(FILES)


def test_the_listing_shows_the_rooms_and_four_modules() -> None:
    shown = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    folders = {path.name for path in shown if path.is_dir()}
    files = {path.name for path in shown if path.is_file()}
    assert folders == {name for name in HEIGHT if (PACKAGE / name).is_dir()} | PAGES
    for name in PAGES:
        assert {path.suffix for path in (PACKAGE / name).iterdir()} == {".md"}
    assert files == {"__init__.py", "__main__.py", "errors.py", "stages.py", "py.typed"}


def test_files_and_functions_are_short_and_say_what_they_are_for() -> None:
    offenders = []
    for file in FILES:
        lines = len(file.read_text().splitlines())
        if lines > LONGEST_FILE:
            offenders.append(f"{module(file)} has {lines} lines")
        if not ast.get_docstring(tree(file)):
            offenders.append(f"{module(file)} has no docstring")
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef) and length(node) > LONGEST_FUNCTION:
                offenders.append(f"{module(file)}.{node.name} has {length(node)} lines")
    assert not offenders


def length(function: ast.FunctionDef) -> int:
    """The lines of a function's body, its docstring aside."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return 1 + body[-1].end_lineno - body[0].lineno if body else 0  # type: ignore[operator]


WIDTH = 100
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What may be taken apart into several names: one call, or one thing that has a name.
ONE_THING = (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.Await, ast.Yield, ast.YieldFrom)
# Where a conditional expression may stand, as the whole value.
PLACES = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return)


def crowded(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold more than one thought, each with the rule that it breaks."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > WIDTH:
            yield number, f"{len(line)} columns"
    nodes = list(ast.walk(ast.parse(text)))
    whole = [node.value for node in nodes if isinstance(node, PLACES)]
    whole += [node.body for node in nodes if isinstance(node, ast.Lambda)]
    for node in nodes:
        if isinstance(node, ast.Assign) and assigns_several(node):
            yield node.lineno, "several assignments"
        if isinstance(node, COMPREHENSIONS) and holds_comprehension(node):
            yield node.lineno, "a comprehension in a comprehension"
        if isinstance(node, ast.IfExp) and node not in whole:
            yield node.lineno, "a conditional expression in another expression"


def assigns_several(node: ast.Assign) -> bool:
    """Whether it is `a = b = 0`, or `a, b = 0, 1` rather than `a, b = f()`."""
    several = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
    return len(node.targets) > 1 or (several and not isinstance(node.value, ONE_THING))


def holds_comprehension(node: ast.AST) -> bool:
    return any(isinstance(inner, COMPREHENSIONS) for inner in ast.walk(node) if inner is not node)


@pytest.mark.parametrize(
    ("line", "offence"),
    [
        ("a = b = 0", "several assignments"),
        ("a, b = 0, 1", "several assignments"),
        ("a, b = (f(x) for x in pair)", "several assignments"),
        ("a = [[f(x) for x in row] for row in rows]", "a comprehension in a comprehension"),
        ("a = {sum(x for x in row) for row in rows}", "a comprehension in a comprehension"),
        ("a = 1 + (2 if b else 3)", "a conditional expression in another expression"),
        ("a = 1 if b else 2 if c else 3", "a conditional expression in another expression"),
        ("f(a=1 if b else 2)", "a conditional expression in another expression"),
        ("a = " + "1" * 97, "101 columns"),
        ("a, b = f(0, 1)", None),
        ("a, b = pair", None),
        ("a = [f(x) for x in row]", None),
        ("a = 1 if b else 2", None),
        ("f(lambda a: 1 if a else 2)", None),
        ("a = " + "1" * 96, None),
    ],
)
def test_a_line_with_more_than_one_thought_is_found(line: str, offence: str | None) -> None:
    expected = [(1, offence)] if offence else []
    assert list(crowded(line)) == expected


def test_lines_hold_one_thought() -> None:
    offenders = [
        f"{file.relative_to(PACKAGE.parent)}:{number}: {offence}"
        for file in FILES
        for number, offence in crowded(file.read_text())
    ]
    assert not offenders, "\n".join(offenders)


def test_only_the_shell_prints() -> None:
    offenders = [
        f"{module(file)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input")
        and room(module(file)) != "cli"
    ]
    assert not offenders


HEAVY = ("jax", "jaxlib", "optax", "numpy", "scipy", "matplotlib", "safetensors", "duckdb")


def heavy_imports(
    arguments: list[str], environment: dict[str, str] | None = None
) -> tuple[set[str], int, str]:
    """The heavy libraries that a command line imports in a new process, exit code and output."""
    code = (
        "import sys\n"
        "from dnncli.cli import program\n"
        f"sys.argv = ['dnncli', *{arguments!r}]\n"
        "code = program.answer()\n"
        f"print('\\n@', code, *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
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
    assert {"sigmoid", "selu", "swish", "softplus"} <= {
        line.split(",")[-1] for line in output.split()
    }
