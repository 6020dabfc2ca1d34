"""The lines that make features of a table's columns, held against what the tool makes of them."""

import numpy as np
import pytest

from dnncli.data import Scaling
from dnncli.data.tables import level_effects
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.interop import recipes, trained
from dnncli.nn.network import Network
from dnncli.spec import NetworkSpec

pytest.importorskip("pandas")


@pytest.mark.parametrize("missing", [False, True])
def test_levels_with_effects_become_these(tmp_path, monkeypatch, missing):
    effects = {"by_target": True, "outputs": ("a", "b"), "missing": missing}
    values = ((0.5, -0.25), (3.0, 0.125))
    columns = (
        Column("t", "text", ("x", "true"), effects=values, **effects),
        Column("n", "number"),
        Column("c", "code", ("1", "2.5"), effects=values, **effects),
        Column("k", "text", ("x",)),
    )
    encoding = Encoding(columns, "y", ("a", "b"))
    rows = ["t,n,c,k", "x,1,1,x", "TRUE,2,2.5,z", "new,3,9,x", ",4,,"]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    about = {"columns": list(map(trained._column, columns)), "missing": [""]}
    names = {"np": np, "pandas": __import__("pandas"), "about": about}
    width = len(encoding.features)
    nothing = Scaling("none", np.zeros(width, np.float32), np.ones(width, np.float32))
    spec = NetworkSpec(hidden=(1,))
    network = Network((), ())
    given = trained.Trained(spec, network, nothing, encoding.classes, encoding)
    exec("\n".join(recipes._rows(given)), names)
    # What `encoder.encode` gives: levels' indices, 2 for others and -1 for missing ones.
    index = [0, 1, 2, -1]
    absent = [[i == -1] * missing for i in index]
    x = [
        [i, 0, *absent[row], row + 1, i, 0, *absent[row], row % 2 == 0, row % 2]
        for row, i in enumerate(index)
    ]
    expected = np.array(x, np.float32)
    level_effects.fill(encoding, expected)
    np.testing.assert_array_equal(names["x"], expected)
