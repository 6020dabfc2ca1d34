"""Our networks as PyTorch and Keras name and shape their parts, with the code that rebuilds them."""




TORCH_EPSILON = 1e-5
TORCH = {
    "identity": "Identity()",
    "sigmoid": "Sigmoid()",
    "tanh": "Tanh()",
    "softsign": "Softsign()",
    "softplus": "Softplus()",
    "relu": "ReLU()",
    "leaky-relu": "LeakyReLU({alpha:g})",
    "prelu": "PReLU({units})",
    "elu": "ELU({alpha:g})",
    "celu": "CELU({alpha:g})",
    "selu": "SELU()",
    "gelu": "GELU()",
    "swish": "SiLU()",
    "mish": "Mish()",
    "hard-swish": "Hardswish()",
}
KERAS_ACTIVATIONS = {
    "identity": "linear", "leaky-relu": "leaky_relu", "swish": "silu", "hard-swish": "hard_silu",
}  # the others are called as ours are
