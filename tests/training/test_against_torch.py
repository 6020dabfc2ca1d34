"""PyTorch, on the same weights and examples, finds the same loss, gradients and running statistics.

Runs where torch is installed; it is no dependency of the project.
"""

import numpy as np
import pytest
import subjects
from oracle import assert_agree, distance

torch = pytest.importorskip("torch")
nn = torch.nn

ACTIVATIONS = {
    "identity": lambda spec: nn.Identity(),
    "sigmoid": lambda spec: nn.Sigmoid(),
    "tanh": lambda spec: nn.Tanh(),
    "softsign": lambda spec: nn.Softsign(),
    "softplus": lambda spec: nn.Softplus(threshold=50),  # from there on the identity
    "relu": lambda spec: nn.ReLU(),
    "leaky-relu": lambda spec: nn.LeakyReLU(spec.alpha),
    "prelu": lambda spec: nn.PReLU(spec.hidden[0]),
    "elu": lambda spec: nn.ELU(spec.alpha),
    "celu": lambda spec: nn.CELU(spec.alpha),
    "selu": lambda spec: nn.SELU(),
    "gelu": lambda spec: nn.GELU(),
    "swish": lambda spec: nn.SiLU(),
    "mish": lambda spec: nn.Mish(),
    "hard-swish": lambda spec: nn.Hardswish(),
}


def tensor(values):
    return torch.tensor(np.asarray(values, np.float64))


def module(spec, parameters, statistics):
    """The same network in PyTorch, float64: a list of (linear, batch norm or None, activation)."""
    layers = []
    for layer, moments in zip(parameters, statistics, strict=True):
        fan_in, units = layer.kernel.shape
        linear = nn.Linear(fan_in, units, bias=moments is None, dtype=torch.float64)
        linear.weight.data = tensor(layer.kernel).T.contiguous()
        norm, phi = None, ACTIVATIONS[spec.act](spec)
        if moments is None:
            linear.bias.data = tensor(layer.bias)
        else:
            norm = nn.BatchNorm1d(
                units, eps=1e-3, momentum=1 - spec.bn_momentum, dtype=torch.float64
            )
            norm.weight.data, norm.bias.data = tensor(layer.scale), tensor(layer.offset)
            norm.running_mean.data, norm.running_var.data = map(tensor, moments)
        if layer.slope is not None:
            phi.weight.data = tensor(layer.slope)
        layers.append((linear, norm, phi))
    return layers


def forward(layers, x):
    for index, (linear, norm, phi) in enumerate(layers):
        x = linear(x)
        x = x if norm is None else norm(x)
        x = x if index == len(layers) - 1 else phi.double()(x)
    return x


@pytest.mark.parametrize(
    ("act", "kind", "size"), [step for step in subjects.STEPS if step[2] > 1 or step[1] == "plain"]
)
def test_torch_finds_the_same_loss_gradients_and_running_statistics(act, kind, size):
    step = subjects.one_step(act, kind, size)
    layers = module(step.spec, step.before.network)
    logits = forward(layers, tensor(step.batch.x))
    loss = nn.functional.cross_entropy(
        logits, torch.tensor(np.asarray(step.batch.y), dtype=torch.long)
    )
    loss.backward()
    assert_agree(step.log.losses[0], loss.item())
    found = zip(layers, step.seen.gradients, step.after.network.statistics, strict=True)
    for index, ((linear, norm, phi), gradient, moments) in enumerate(found):
        assert_agree(gradient.kernel, linear.weight.grad.T.numpy(), what=f"{index}.kernel")
        if norm is None:
            assert_agree(gradient.bias, linear.bias.grad.numpy(), what=f"{index}.bias")
        else:
            assert_agree(gradient.scale, norm.weight.grad.numpy(), what=f"{index}.scale")
            assert_agree(gradient.offset, norm.bias.grad.numpy(), what=f"{index}.offset")
            assert_agree(moments.mean, norm.running_mean.numpy(), what=f"{index}.mean")
            # PyTorch averages the unbiased variance, the paper and we the biased one.
            old = (
                np.asarray(step.before.network.statistics[index].variance, np.float64)
                * step.spec.bn_momentum
            )
            batch = (norm.running_var.numpy() - old) * (size - 1) / size
            assert_agree(moments.variance, old + batch, what=f"{index}.variance")
        if gradient.slope is not None:
            assert_agree(gradient.slope, phi.weight.grad.numpy(), what=f"{index}.slope")


@pytest.mark.parametrize("kind", ["bn", "bn everywhere"])
def test_torch_evaluates_alike_with_the_running_statistics(kind):
    from dnncli.nn import inference

    step = subjects.one_step("elu", kind, 33)
    layers = module(step.spec, step.after.network)
    for _, norm, _ in layers:
        if norm is not None:
            norm.eval()
    theirs = forward(layers, tensor(step.batch.x)).detach().numpy()
    ours = inference.compiled_logits(step.spec, step.after.network, step.batch.x)
    assert distance(ours, theirs) < 1e-5
