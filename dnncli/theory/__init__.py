"""Mean-field theory of untrained networks: which gradients vanish, and what to do about it."""

from dnncli.records import LayerPrediction, Prediction
from dnncli.theory.critical import Critical, CriticalLayer, critical
from dnncli.theory.fixed_points import FixedPoint, depth_scale, fixed_point, trainable_depth
from dnncli.theory.prediction import predict
from dnncli.theory.variances import VARIANCES, variance

__all__ = [
    "VARIANCES",
    "Critical",
    "CriticalLayer",
    "FixedPoint",
    "LayerPrediction",
    "Prediction",
    "critical",
    "depth_scale",
    "fixed_point",
    "predict",
    "trainable_depth",
    "variance",
]
