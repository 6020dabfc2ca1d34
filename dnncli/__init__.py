"""Train deep multilayer perceptrons and see which layers learn, which do not, and why.

`load` gives a trained network that predicts, `train` trains one; `DnnClassifier` and `DnnRegressor`
are scikit-learn's estimators. They are imported when they are first asked for: `import dnncli`, the
shell's help and completion stay quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dnncli.experiments.api import Model, load, train
    from dnncli.experiments.estimators import DnnClassifier, DnnRegressor

__version__ = "0.1.0"
__all__ = ["DnnClassifier", "DnnRegressor", "Model", "__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    """What is offered, from where it is defined."""
    if name not in __all__:
        raise AttributeError(f"module 'dnncli' has no attribute {name!r}")
    home = "estimators" if name.startswith("Dnn") else "api"
    return getattr(importlib.import_module(f"dnncli.experiments.{home}"), name)


def __dir__() -> list[str]:
    """What is offered, imported or not."""
    return sorted({*globals(), *__all__})
