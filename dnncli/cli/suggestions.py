"""What an option that does not exist was meant to be: by its name elsewhere, or by its spelling."""

from collections.abc import Container, Iterable
from difflib import get_close_matches

# Names in other tools: those here, of which the first that a command has is meant.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "activation": ("act", "acts"),
    "activations": ("acts", "act"),
    "batch": ("batch-size",),
    "batch-norm": ("bn",),
    "batch-normalization": ("bn",),
    "batchnorm": ("bn",),
    "bs": ("batch-size",),
    "clip": ("clip-value",),
    "clip-grad-norm": ("clip-global-norm",),
    "clipnorm": ("clip-norm",),
    "clipvalue": ("clip-value",),
    "dataset": ("data",),
    "drop-rate": ("dropout",),
    "early-stopping": ("patience",),
    "eta": ("lr",),
    "force": ("overwrite",),
    "freeze-layers": ("freeze",),
    "hidden-layers": ("hidden",),
    "hidden-size": ("width", "hidden"),
    "hidden-sizes": ("hidden",),
    "hidden-units": ("hidden",),
    "initialization": ("init", "inits"),
    "initializer": ("init", "inits"),
    "kernel-initializer": ("init", "inits"),
    "keep-layers": ("keep",),
    "label": ("target",),
    "layer-sizes": ("hidden",),
    "layers": ("hidden", "depth"),
    "learning-rate": ("lr", "lrs"),
    "learning-rates": ("lrs", "lr"),
    "lr-schedule": ("schedule",),
    "lr-scheduler": ("schedule",),
    "max-epochs": ("epochs",),
    "n-layers": ("depth",),
    "neurons": ("width", "hidden"),
    "num-epochs": ("epochs",),
    "num-layers": ("depth",),
    "opt": ("optimizer",),
    "output": ("out", "format"),
    "probs": ("probabilities",),
    "random-seed": ("seed",),
    "random-state": ("seed",),
    "regularization": ("l2",),
    "save": ("out",),
    "scheduler": ("schedule",),
    "sep": ("delimiter",),
    "separator": ("delimiter",),
    "test-size": ("test",),
    "units": ("width", "hidden"),
    "val-split": ("validation",),
    "validation-split": ("validation",),
    "wd": ("weight-decay",),
}


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one of a command's options that a wrong name stands for; all without dashes in front."""
    options = list(known)
    plain = name.lower().replace("_", "-")
    near = get_close_matches(plain, options, n=1)
    return renamed(plain, options) or next(iter(near), None)


def renamed(name: str, options: Container[str]) -> str | None:
    """An option that has another name elsewhere; `no-` stays in front."""
    if name in options:
        return name
    prefix = "no-" if name.startswith("no-") else ""
    found = ELSEWHERE.get(name.removeprefix("no-"), ())
    named = [f"{prefix}{option}" for option in found]
    return next((option for option in named if option in options), None)
