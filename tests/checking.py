"""The package's types and shapes are checked while it is tested, at a price that tests can pay.

jaxtyping's import hook marks every function and dataclass. Its own decorator makes two checkers a
function when that is defined, closures anew each time, and looks at every argument twice: half of
the processor time of tests without JAX. Here a checker is made when a function is first called,
once for all closures of one code, and only functions whose annotations have shapes compare them.
"""

import functools
import inspect
import typing
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import beartype
import jaxtyping

# The numeric tower: where a float is asked for, an int will do, as type checkers have it.
# Violations are TypeErrors, as jaxtyping's own are.
CHECKER = beartype.beartype(
    conf=beartype.BeartypeConf(is_pep484_tower=True, violation_type=TypeError)
)
# The sizes that names of shapes stand for, until it is left.
ONE_CALL = jaxtyping.jaxtyped("context")
# How a parameter stands in a function's head, and in a call that hands it on.
TAKEN = {
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "{}",
    inspect.Parameter.VAR_POSITIONAL: "*{}",
    inspect.Parameter.KEYWORD_ONLY: "{}",
    inspect.Parameter.VAR_KEYWORD: "**{}",
}
HANDED = TAKEN | {inspect.Parameter.KEYWORD_ONLY: "{0}={0}"}
made: dict[Any, Callable[..., Any]] = {}


def install() -> None:
    """Check what is imported of the package from now on."""
    jaxtyping.jaxtyped = checked  # the name by which the hook's marks call it
    jaxtyping.install_import_hook("dnncli", "beartype.beartype")


def checked(marked: Any = None, *, typechecker: Any = None) -> Any:
    """A function whose calls are checked; a dataclass with such an `__init__`."""
    if marked is None:
        return checked
    if not inspect.isclass(marked):
        return _checked_function(marked)
    if "__dataclass_fields__" in vars(marked):
        marked.__init__ = _checked_function(marked.__init__)
    return marked


def _checked_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its arguments and what it returns checked at every call."""
    checker = None

    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        nonlocal checker
        if jaxtyping.config.jaxtyping_disable:
            return function(*arguments, **named)
        if checker is None:
            checker = _checker(function)
        return checker(function, *arguments, **named)

    return wrapper


def _checker(function: Callable[..., Any]) -> Callable[..., Any]:
    """A checked function that calls its first argument with the others; one for all closures of a code."""
    # Closures of one code may have other defaults; a function that is a key is not freed.
    has_defaults = function.__defaults__ or function.__kwdefaults__
    key = function if has_defaults else function.__code__
    if key not in made:
        hints = {name: _hint(hint, function) for name, hint in function.__annotations__.items()}
        checker = CHECKER(_caller(function, hints))
        made[key] = _in_one_context(checker) if any(map(_has_shape, hints.values())) else checker
    return made[key]


def _caller(function: Callable[..., Any], hints: dict[str, Any]) -> Callable[..., Any]:
    """What takes a function and its arguments, annotated and with defaults as that is, and calls it."""
    parameters = inspect.signature(function).parameters.values()
    taken = ["called_function", "/", *_taken(parameters)]
    handed = [HANDED[parameter.kind].format(parameter.name) for parameter in parameters]
    source = f"lambda {', '.join(taken)}: called_function({', '.join(handed)})"
    caller = eval(source)
    caller.__name__ = function.__name__
    caller.__qualname__ = function.__qualname__
    caller.__module__ = function.__module__
    caller.__annotations__ = hints
    caller.__defaults__ = function.__defaults__
    caller.__kwdefaults__ = function.__kwdefaults__
    return caller


def _taken(parameters: Iterable[inspect.Parameter]) -> Iterator[str]:
    """The parameters as a lambda has them, each default for now None."""
    star = "*"  # what parts off those that must be named, unless a parameter does
    for parameter in parameters:
        named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if named and star:
            yield star
        if named or parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            star = ""
        default = "" if parameter.default is inspect.Parameter.empty else "=None"
        yield TAKEN[parameter.kind].format(parameter.name) + default


def _hint(hint: Any, function: Callable[..., Any]) -> Any:
    """An annotation, read where it is a text; anything, where that names what is imported for types alone."""
    holder = SimpleNamespace(__annotations__={"hint": hint})
    try:
        return typing.get_type_hints(holder, function.__globals__, include_extras=True)["hint"]
    except NameError:
        return Any


def _has_shape(hint: Any) -> bool:
    """Whether jaxtyping has a part in an annotation."""
    if isinstance(hint, list):
        return any(map(_has_shape, hint))
    if getattr(hint, "__module__", "") == "jaxtyping":
        return True
    return any(map(_has_shape, typing.get_args(hint)))


def _in_one_context(checker: Callable[..., Any]) -> Callable[..., Any]:
    """All shapes of a call agree in the sizes of what they name."""

    def with_shapes(*arguments: Any, **named: Any) -> Any:
        with ONE_CALL:
            return checker(*arguments, **named)

    return with_shapes
