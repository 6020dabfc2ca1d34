"""What each station's records show, by the station's name."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from dnncli.experiments.tour import batch_norm, comparisons, gradients, reuse, training
from dnncli.records.tour import Observation

# From the records of a station's commands, in their order.
Observe = Callable[[Sequence[object]], Iterator[Observation]]

OBSERVE: Mapping[str, Observe] = {
    "vanishing": gradients.vanishing,
    "saturation": gradients.saturation,
    "exploding": gradients.exploding,
    "initialisation": gradients.initialisation,
    "activations": comparisons.activations,
    "elu": comparisons.elu,
    "early-stopping": comparisons.early_stopping,
    "batch-norm": batch_norm.batch_norm,
    "moving-variance": batch_norm.moving_variance,
    "clipping": training.clipping,
    "resume": training.resume,
    "names": reuse.names,
    "reuse": reuse.reuse,
}
