"""What the README's chapter table claims, looked for in what its commands print."""

import re
from collections.abc import Callable


def table(out: str, heading: str) -> dict[str, list[str]]:
    """The rows of a table whose header line has this text, by their first word."""
    _, _, below = out.partition(heading)
    lines = below.splitlines()[1:]
    rows = {}
    for line in lines:
        if line.strip() and not set(line.strip()) <= {"─"}:
            first, *cells = line.split()
            rows[first] = cells
        elif rows:
            break
    return rows


def numbers(cells: list[str]) -> list[float]:
    """The cells that are numbers."""
    plain = [cell.replace(",", "") for cell in cells]
    return [float(cell) for cell in plain if re.fullmatch(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", cell)]


def shrinks(out: str) -> None:
    """δ below its bound and near theory in every layer, and falling like 0.25^L and faster."""
    layers = [numbers(re.sub("[▉█▊▋▌▍▎▏]", "", line).split()) for line in _layers(out)]
    for delta, theory, bound in [(row[0], row[1], row[2]) for row in layers]:
        assert delta <= bound
        assert 0.5 < delta / theory < 2
    assert layers[0][0] / layers[19][0] < 0.25**19


def _layers(out: str) -> list[str]:
    """The lines of hidden layers, without the seeds' range."""
    lines = [line for line in out.splitlines() if re.match(r" ?hidden\d+ ", line)]
    return [re.sub(r"\S+…\S+", "", line) for line in lines]


def saturates(out: str) -> None:
    """Some layer has a third of its outputs flat."""
    flat = [int(share) for share in re.findall(r"(\d+) %", "\n".join(_layers(out)))]
    assert max(flat) > 30


def explodes(out: str) -> None:
    """He's network alone learns; the others' δ ratio is beyond 1e15."""
    rows = table(out, "val. acc.")
    for name in ("relu:normal", "relu:normal+clip"):
        assert float(rows[name][0]) > 1e15
        assert "diverged" in rows[name]
    assert float(rows["relu:he"][0]) < 10
    assert rows["relu:he"][-1] == "healthy"


def keeps_level(out: str) -> None:
    """All ratios within a factor of 10 of 1 and near theory's."""
    _, _, below = out.partition(" case  ")
    found = re.findall(r"^ (\w+:\S+) +(\S+) +(\S+) +.*healthy$", below, re.MULTILINE)
    assert len(found) == 4
    for _, ratio, theory in found:
        assert 0.1 < float(ratio) < 10
        assert 0.5 < float(ratio) / float(theory) < 2


def has_means_and_dead_units(out: str) -> None:
    """ELU's mean nearer to 0 than ReLU's; dead units among ReLU's alone."""
    rows = table(out, "units  outputs  output")
    dead = {act: float(cells[3]) for act, cells in rows.items()}
    means = {
        act: float(next(cell for cell in cells if cell[0] in "+-")) for act, cells in rows.items()
    }
    assert abs(means["elu"]) < abs(means["relu"])
    assert dead["relu"] > 0
    assert dead["leaky-relu"] == dead["elu"] == dead["swish"] == 0


def has_times(out: str) -> None:
    """An epoch's time and examples a second for both."""
    rows = table(out, "examples/s")
    assert {"relu", "elu"} == set(rows)
    for cells in rows.values():
        assert "ms" in cells or "s" in cells


def is_level(out: str) -> None:
    """δ of both hidden layers within a factor of 2."""
    _, _, last = out.partition("Gradients in epoch")
    rows = [numbers(line.split()) for line in _layers(last)]
    assert 0.5 < rows[0][0] / rows[1][0] < 2


def variance_is_off(out: str) -> None:
    """The batches' means are exact in hidden1, their variances are not."""
    cells = table(out, "var. ratio")["hidden1"]
    moving_mean, batch_mean, _, batch_variance = numbers(cells)
    assert batch_mean < 0.01 <= moving_mean
    assert abs(batch_variance - 7 / 8) < 0.03


def clips(out: str) -> None:
    """The share of steps stands beside each epoch."""
    assert len(re.findall(r"clip \d+ %", out)) == 5


def goes_on(out: str) -> None:
    """The first epoch after the checkpoint's five is above 90 %."""
    first = re.search(r"^ +6 .*? (\d+\.\d+) %", out, re.MULTILINE)
    assert first
    assert float(first[1]) > 90


def names_tensors(out: str) -> None:
    """Every layer and tensor."""
    for name in ("hidden1", "hidden2", "output", "kernel", "norm.variance", "bias"):
        assert re.search(rf"\b{re.escape(name)}\b", out)


def helps(out: str) -> None:
    """The difference is above 0, and so is its interval."""
    assert re.search(r"test accuracy: \+\d+\.\d+ points \[\+\d.*: it helped", out)


DEMO = "dnncli vanishing-demo --cases"
COMPARE = "dnncli compare-activations --acts"
CLAIMS: dict[str, Callable[[str], None]] = {
    f"{DEMO} sigmoid:xavier": shrinks,
    f"{DEMO} sigmoid:normal": saturates,
    f"{DEMO} relu:normal,relu:normal+clip,relu:he --train 5": explodes,
    f"{DEMO} tanh:xavier,tanh:xavier-uniform,relu:he,relu:he-uniform": keeps_level,
    f"{COMPARE} relu,leaky-relu,elu,swish --seeds 3 --epochs 5": has_means_and_dead_units,
    f"{COMPARE} relu,elu --seeds 3 --epochs 5": has_times,
    "dnncli train --bn --bn-output --epochs 5": is_level,
    "dnncli eval small.ckpt --bn-stats all": variance_is_off,
    "dnncli train --depth 10 --act relu --clip-value 0.01 --epochs 5": clips,
    "dnncli train --resume bn.ckpt --epochs 10 --out again.ckpt": goes_on,
    "dnncli inspect bn.ckpt": names_tensors,
    "dnncli transfer known.ckpt --keep 3 --add 20 --per-class 5 --epochs 20 --seeds 10": helps,
}


def check(command: str, out: str) -> None:
    """Fail where a command of the table does not print what its row claims."""
    if command in CLAIMS:
        CLAIMS[command](out)
