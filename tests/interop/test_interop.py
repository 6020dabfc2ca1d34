"""Networks from PyTorch and Keras say the same here, and ours say the same there."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from scipy.special import softmax

from dnncli import interop
from dnncli.data import Scaling
from dnncli.errors import CheckpointError, SpecError
from dnncli.interop import EXPORTERS, Trained, writing
from dnncli.nn import network
from dnncli.nn.network import BN_EPSILON, Network
from dnncli.spec import NetworkSpec, catalog
from dnncli.storage import checkpoint, tensorfile
from dnncli.storage.checkpoint import Checkpoint

SIZES = (6, 5, 4, 3)
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def linear(fan_in, units):
    return {"weight": normal(units, fan_in), "bias": normal(units)}


def norm(units):
    return {
        "weight": normal(units),
        "bias": normal(units),
        "running_mean": normal(units),
        "running_var": np.abs(normal(units)) * 0.1 + 0.01,  # small: epsilon matters
        "num_batches_tracked": np.array(7),
    }


def named(modules):
    """Tensors by name from modules by name."""
    return {
        f"{name}.{part}": array for name, parts in modules.items() for part, array in parts.items()
    }


def written(path, tensors):
    safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def logits(spec, trained, x):
    trained, x = jax.tree.map(jnp.asarray, (trained, x))
    outputs, _ = network.apply(spec, trained.parameters, x, statistics=trained.statistics)
    return np.asarray(outputs, np.float64)


def ours(path, x, act="tanh", alpha=None):
    model = interop.read(path, act, alpha)
    return logits(model.spec, model.network, x)


def torch_says(tensors, order, x, phi=np.tanh):
    """What a stack of modules does, in float64; `order` names modules, "act" stands for the activation."""
    a = x.astype(np.float64)
    for name in order:
        get = {
            part: np.float64(tensors[f"{name}.{part}"])
            for part in ("weight", "bias")
            if f"{name}.{part}" in tensors
        }
        if name == "act":
            a = phi(a)
        elif f"{name}.running_var" in tensors:
            mean, variance = (
                np.float64(tensors[f"{name}.{part}"]) for part in ("running_mean", "running_var")
            )
            a = (a - mean) / np.sqrt(variance + 1e-5) * get["weight"] + get["bias"]
        else:
            a = a @ get["weight"].T + get["bias"]
    return a


LAYOUTS = {
    "plain": {0: "l", 2: "l", 4: "l"},
    "module list": {0: "l", 1: "l", 2: "l"},
    "batch norm": {0: "l", 1: "n", 3: "l", 4: "n", 6: "l"},
    "batch norm everywhere": {0: "l", 1: "n", 3: "l", 4: "n", 6: "l", 7: "n"},
    "batch norm in one layer": {0: "l", 2: "l", 3: "n", 5: "l"},
    "batch norm of the inputs": {0: "n", 1: "l", 3: "l", 5: "l"},
    "batch norm behind the activation": {0: "l", 2: "n", 3: "l", 5: "n", 6: "l"},
}


def stack(layout):
    """Tensors of a layout and its modules in order."""
    modules, order, widths, count = {}, [], iter(SIZES), 0
    width = next(widths)
    places = sorted(layout)
    for place in places:
        if layout[place] == "n":
            modules[str(place)] = norm(width)
        else:
            modules[str(place)] = linear(width, units := next(widths))
            width, count = units, count + 1
        order.append(str(place))
        behind = place + 1 not in layout or (layout[place + 1] == "l" and layout[place] == "l")
        if behind and count < 3 and place != places[-1]:
            order.append("act")
    return named(modules), order


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_stack_of_pytorchs_gives_the_same_logits(path, layout):
    tensors, order = stack(LAYOUTS[layout])
    x = normal(33, 6)
    np.testing.assert_allclose(
        ours(written(path, tensors), x), torch_says(tensors, order, x), atol=2e-5, rtol=1e-5
    )


def test_normalised_layers_stay_normalised(path):
    tensors, _ = stack(LAYOUTS["batch norm everywhere"])
    model = interop.read(written(path, tensors), "elu")
    assert (model.spec.bn, model.spec.bn_output) == (True, True)
    np.testing.assert_array_equal(model.network.statistics[0].variance, tensors["1.running_var"])
    np.testing.assert_allclose(
        model.network.statistics[0].mean, tensors["1.running_mean"] - tensors["0.bias"], rtol=1e-6
    )
    assert model.notes[0][0].kind == "bias in mean"


@pytest.mark.parametrize("prefix", ["", "net.", "model.layers."])
def test_names_may_have_a_prefix(path, prefix):
    tensors, order = stack(LAYOUTS["batch norm"])
    x = normal(5, 6)
    said = ours(written(path, {prefix + name: t for name, t in tensors.items()}), x)
    np.testing.assert_allclose(said, torch_says(tensors, order, x), atol=2e-5, rtol=1e-5)


def test_modules_may_have_names_of_their_own(path):
    modules = {
        "out": linear(4, 3),
        "bn1": norm(5),
        "bn2": norm(4),
        "fc1": linear(6, 5),
        "fc2": linear(5, 4),
    }
    x = normal(5, 6)
    order = ["fc1", "bn1", "act", "fc2", "bn2", "act", "out"]
    said = ours(written(path, named(modules)), x)
    np.testing.assert_allclose(said, torch_says(named(modules), order, x), atol=2e-5, rtol=1e-5)


def test_sizes_tell_the_order_where_names_do_not(path):
    modules = {"z": linear(6, 5), "y": linear(5, 4), "a": linear(4, 3)}
    x = normal(5, 6)
    said = ours(written(path, named(modules)), x)
    np.testing.assert_allclose(
        said, torch_says(named(modules), ["z", "act", "y", "act", "a"], x), rtol=1e-4, atol=1e-5
    )


def test_dense_10_stands_behind_dense_9(path):
    tensors = {}
    for index in range(11):
        name = "dense" if index == 0 else f"dense_{index}"
        tensors |= {f"{name}/kernel": normal(3, 3) * (index + 1), f"{name}/bias": normal(3)}
    model = interop.read(written(path, tensors), "relu")
    assert model.framework == "Keras"
    assert [float(np.asarray(p.kernel)[0, 0]) for p in model.network.parameters] == [
        float(tensors[f"{name}/kernel"][0, 0])
        for name in ["dense", *(f"dense_{i}" for i in range(1, 11))]
    ]


def test_kerass_batch_norm_is_taken_as_it_is(path):
    moments = {
        "gamma": normal(5),
        "beta": normal(5),
        "moving_mean": normal(5),
        "moving_variance": normal(5) ** 2,
    }
    tensors = {f"batch_normalization/{name}": value for name, value in moments.items()}
    tensors |= {"dense/kernel": normal(6, 5), "dense/bias": np.zeros(5, np.float32)}
    tensors |= {"dense_1/kernel": normal(5, 3), "dense_1/bias": normal(3)}
    model = interop.read(written(path, tensors), "relu")
    np.testing.assert_array_equal(model.network.parameters[0].scale, moments["gamma"])
    np.testing.assert_array_equal(model.network.statistics[0].mean, moments["moving_mean"])
    assert model.notes == ((), ())


def test_prelu_brings_its_slopes(path):
    modules = {"0": linear(6, 5), "1": {"weight": np.float32([0.3])}, "2": linear(5, 3)}
    model = interop.read(written(path, named(modules)), "prelu")
    np.testing.assert_array_equal(model.network.parameters[0].slope, np.full(5, np.float32(0.3)))
    with pytest.raises(SpecError, match="slopes"):
        interop.read(path, "relu")


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_precisions_become_float32(path, dtype):
    tensors, _ = stack(LAYOUTS["plain"])
    model = interop.read(
        written(path, {name: t.astype(dtype) for name, t in tensors.items()}), "relu"
    )
    np.testing.assert_array_equal(
        model.network.parameters[0].kernel, tensors["0.weight"].astype(dtype).astype(np.float32).T
    )
    assert model.network.parameters[0].kernel.dtype == np.float32


REFUSED = {
    "a convolution": ({"0.weight": normal(3, 3, 3, 3), "0.bias": normal(3)}, "not a linear layer"),
    "layer norm": (
        {
            **named({"0": linear(6, 5), "2": linear(5, 3)}),
            "1.weight": normal(5),
            "1.bias": normal(5),
        },
        "'1'",
    ),
    "sizes that do not fit": (named({"0": linear(6, 5), "2": linear(4, 3)}), "takes 4 inputs"),
    "a lone bias": ({"0.bias": normal(5)}, "'0'"),
    "nothing": ({}, "no linear layer"),
    "one layer": (named({"0": linear(6, 5)}), "without a hidden one"),
    "NaN": (
        {**named({"0": linear(6, 5), "2": linear(5, 3)}), "2.bias": np.full(3, np.nan, np.float32)},
        "NaN",
    ),
    "integers": ({"0.weight": np.ones((3, 3), np.int32)}, "int32"),
    "an unclear batch norm": (
        named({"0": linear(6, 5), "2": norm(5), "4": linear(5, 3)}),
        "does not tell",
    ),
    "a last batch norm": (
        named({"0": linear(6, 5), "2": linear(5, 3), "4": norm(3)}),
        "last layer's activation",
    ),
    "a negative variance": (
        {
            **named({"0": linear(6, 5), "1": norm(5), "3": linear(5, 3)}),
            "1.running_var": -np.ones(5, np.float32),
        },
        "negative variance",
    ),
    "unknown order": (named({"b": linear(6, 6), "a": linear(6, 6), "c": linear(3, 6)}), "order"),
    "strange names": ({"weight": normal(3, 3), "scale": normal(3)}, "''"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_stack_is_refused_in_one_line(path, case):
    tensors, reason = REFUSED[case]
    with pytest.raises(CheckpointError, match=reason) as caught:
        interop.read(written(path, tensors), "relu")
    assert str(caught.value).count("\n") == 0
    assert str(path) in str(caught.value)


def test_damaged_files_and_own_checkpoints_are_told_apart(path):
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(CheckpointError, match="not an intact safetensors file"):
        interop.read(path, "relu")
    tensors, _ = stack(LAYOUTS["plain"])
    data = written(path, tensors).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match="not an intact safetensors file"):
        interop.read(path, "relu")
    checkpoint.write(path, Checkpoint({"a": normal(2)}, {}))
    with pytest.raises(SpecError, match="own"):
        interop.read(path, "relu")


def test_a_file_is_known_by_its_sha256(path):
    import hashlib

    tensors, _ = stack(LAYOUTS["plain"])
    data = written(path, tensors).read_bytes()
    assert tensorfile.read(path).sha256 == hashlib.sha256(data).hexdigest()


def test_bfloat16_is_the_upper_half_of_float32(path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = normal(4, 3).astype(ml_dtypes.bfloat16)
    data = safetensors.numpy.save({"a": values.view(np.uint16)}).replace(b'"U16"', b'"BF16"')
    header = int.from_bytes(data[:8], "little")
    path.write_bytes((header + 1).to_bytes(8, "little") + data[8:])
    np.testing.assert_array_equal(tensorfile.read(path).tensors["a"], values.astype(np.float32))


def random_network(spec, seed=0):
    rng = np.random.default_rng(seed)
    parameters, statistics = network.init(spec, SIZES[0], SIZES[-1], seed)
    jitter = lambda leaf: (leaf + 0.3 * rng.standard_normal(leaf.shape)).astype(np.float32)  # noqa: E731
    moved = tuple(
        type(layer)(*(None if part is None else jitter(part) for part in layer))
        for layer in parameters
    )
    drawn = tuple(
        m and type(m)(jitter(m.mean), np.abs(jitter(m.variance)) * 1e-3) for m in statistics
    )
    return Network(moved, drawn)


EXPORTED = [NetworkSpec(hidden=(5, 4), act=act) for act in catalog.ACTIVATIONS] + [
    NetworkSpec(hidden=(5, 4), act="elu", bn=True),
    NetworkSpec(hidden=(5, 4), act="prelu", bn=True, bn_output=True),
    NetworkSpec(hidden=(5, 4), act="leaky-relu", alpha=0.2, bn_output=True),
]


def trained(spec, drawn):
    """The network with features that need no scaling, and three classes."""
    nothing = Scaling("none", np.zeros(SIZES[0], np.float32), np.ones(SIZES[0], np.float32))
    return Trained(spec, drawn, nothing, ("a", "b", "c"))


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize(
    "spec", EXPORTED, ids=lambda spec: f"{spec.act}-{spec.bn:d}{spec.bn_output:d}"
)
def test_what_is_written_reads_back_as_the_same_network(path, spec, framework):
    drawn = random_network(spec)
    path.write_bytes(EXPORTERS[framework].serialise(trained(spec, drawn)))
    model = interop.read(path, spec.act, None if spec.act == "prelu" else spec.alpha)
    x = normal(33, 6)
    np.testing.assert_allclose(
        logits(model.spec, model.network, x),
        logits(spec, drawn, x),
        rtol=1e-5,
        atol=1e-5,
    )
    assert (model.spec.hidden, model.spec.bn, model.spec.bn_output) == (
        spec.hidden,
        spec.bn,
        spec.bn_output,
    )


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize(
    "spec", EXPORTED, ids=lambda spec: f"{spec.act}-{spec.bn:d}{spec.bn_output:d}"
)
def test_the_recipe_gives_the_same_probabilities(tmp_path, monkeypatch, spec, framework):
    pytest.importorskip(framework)
    monkeypatch.chdir(tmp_path)
    network_ = trained(spec, random_network(spec))
    x = normal(33, 6)
    np.save("rows.npy", x)
    Path("m.safetensors").write_bytes(EXPORTERS[framework].serialise(network_))
    scope = {}
    # Keras may run on JAX, in ways that these tests forbid here.
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        exec("\n".join(EXPORTERS[framework].recipe(network_, "m.safetensors")), scope)
    expected = softmax(logits(spec, network_.network, x), axis=1)
    np.testing.assert_allclose(scope["probabilities"], expected, atol=1e-5)
    assert scope["classes"].tolist() == ["abc"[i] for i in expected.argmax(axis=1)]


@pytest.mark.parametrize("bn", [False, True], ids=["plain", "batch norm"])
def test_a_network_trained_in_pytorch_gives_the_same_logits_here(path, bn):
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save_file
    nn, generator = torch.nn, torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    norms = [[nn.BatchNorm1d(20)], [nn.BatchNorm1d(10)]] if bn else [[], []]
    model = nn.Sequential(
        nn.Linear(6, 20),
        *norms[0],
        nn.ReLU(),
        nn.Linear(20, 10),
        *norms[1],
        nn.ReLU(),
        nn.Linear(10, 3),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x = torch.randn(300, 6, generator=generator)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    save(model.state_dict(), path)
    with torch.no_grad():
        theirs = model.eval()(x).numpy()
    np.testing.assert_allclose(ours(path, x.numpy(), "relu"), theirs, rtol=1e-5, atol=1e-5)


def test_every_activation_can_be_written():
    assert set(writing.TORCH_MODULES) == set(catalog.ACTIVATIONS)


def test_epsilon_is_made_up_for_by_the_scale():
    spec = NetworkSpec(hidden=(5,), act="relu", bn=True)
    drawn = random_network(spec)
    tensors = dict(writing.torch_tensors(drawn))
    theirs = tensors["1.weight"] / np.sqrt(tensors["1.running_var"] + 1e-5)
    mine = drawn.parameters[0].scale / np.sqrt(drawn.statistics[0].variance + BN_EPSILON)
    np.testing.assert_allclose(theirs, mine, rtol=1e-6)
