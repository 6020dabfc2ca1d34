"""Lines of Python that load an exported file and use it: what `export` prints.

They read `rows.csv`, `images.npy` or `rows.npy`, which whoever copies them replaces by their own.
"""

from collections.abc import Sequence
from textwrap import dedent, indent

from dnncli.data.tables.encoding import Encoding
from dnncli.interop import writing
from dnncli.interop.trained import Trained

FEATURES = dedent("""\
    def features(table):
        '''A table's columns as the network's features, unscaled.'''
        parts = []
        for column in about['columns']:
            values = np.asarray(table[column['name']])
            if column['kind'] == 'text':
                texts = [str(value).strip() for value in values]
                lower = np.array([text.lower() for text in texts])
                values = np.where(np.isin(lower, ['true', 'false']), lower, texts)
                absent = np.isin(lower, about['missing']) | np.isin(values, column['marks'])
            else:
                values = values.astype(float)
                absent = np.isnan(values) | np.isin(values, column['marks'])
            if column['kind'] in ('text', 'code'):
                hits = [values == level for level in column['levels']]
                other = ~np.any([absent & column['missing'], *hits], axis=0)
                parts += [*hits, other]
            else:
                absent |= np.isinf(values)
                parts.append(np.where(absent, column['median'], values) - column['center'])
                days = np.where(absent, 0, values)
                for part in column['parts']:
                    angle = 2 * np.pi * days / {'season': 365.2425, 'weekday': 7, 'hour': 1}[part]
                    hits = [np.sin(angle), np.cos(angle)]
                    if part == 'weekday':
                        hits = [(np.floor(days) + 3) % 7 == day for day in range(7)]
                    parts += [~absent * hit for hit in hits]
            if column['missing']:
                parts.append(absent)
        return np.stack(parts, axis=1).astype(np.float32)
""").splitlines()
# Of categories whose levels have effects; other tables have no such lines.
EFFECTS = indent(
    dedent("""\
        if column['by_target']:
            effects = dict(zip(column['levels'], np.transpose(column['effects'])))
            none = np.zeros(len(column['effects']))
            parts += [*np.transpose([effects.get(value, none) for value in values])]
    """),
    " " * 8,
).splitlines()
CATEGORIES = FEATURES.index("        if column['kind'] in ('text', 'code'):")
ABOUT_FILE = "about.json"  # in the archive at the end of a file of StableHLO


def onnx(trained: Trained, file: str) -> list[str]:
    """Run the file with ONNX Runtime."""
    answers = "classes, probabilities" if trained.numbers is None else "(predicted,)"
    session = f"session = onnxruntime.InferenceSession({file!r})"
    run = f"{answers} = session.run(None, inputs)"
    if trained.encoding is None:
        name = "image" if trained.image else "x"
        inputs = f"inputs = {{{name!r}: {_array(trained)}}}"
        return ["import numpy as np", "import onnxruntime", "", session, inputs, run]
    return [
        "import onnxruntime",
        "import pandas",
        "",
        session,
        *_table(trained.encoding),
        "inputs = {}",
        "for column in session.get_inputs():",
        "    values = table[column.name]",
        "    if column.type == 'tensor(double)':",
        "        values = pandas.to_numeric(values, errors='coerce').astype(float)",
        "    inputs[column.name] = values.to_numpy()[:, None]",
        run,
    ]


def torch(trained: Trained, file: str) -> list[str]:
    """Build the network in PyTorch, load the file and predict with it."""
    return [
        *_imports(trained, "safetensors", "safetensors.torch", "torch"),
        "from torch import nn",
        "",
        *writing.torch_model(trained.spec, trained.width, trained.outputs),
        f"model.load_state_dict(safetensors.torch.load_file({file!r}))",
        "model.eval()",
        *_about(file),
        *_features(trained),
        "outputs = model(torch.from_numpy(x)).detach().numpy()",
        *_answers(trained),
    ]


def keras(trained: Trained, file: str) -> list[str]:
    """Build the network in Keras, load the file and predict with it."""
    return [
        *_imports(trained, "keras", "safetensors", "safetensors.numpy"),
        "from keras import layers",
        "",
        *writing.keras_model(trained.spec, trained.width, trained.outputs),
        f"tensors = safetensors.numpy.load_file({file!r})",
        "for variable in model.variables:",
        "    variable.assign(tensors['/'.join(variable.path.split('/')[-2:])])",
        *_about(file),
        *_features(trained),
        "outputs = model.predict(x)",
        *_answers(trained),
    ]


def stablehlo(trained: Trained, file: str) -> list[str]:
    """Check that the file is whole, load it with JAX alone and predict with it."""
    lines = [
        *_imports(trained, "hashlib", "zipfile"),
        "from jax import export",
        "",
        f"with zipfile.ZipFile({file!r}) as opened:",
        f"    about = json.loads(opened.read({ABOUT_FILE!r}))",
        f"with open({file!r}, 'rb') as opened:",
        "    program = opened.read(about['program']['bytes'])",
        "if hashlib.sha256(program).hexdigest() != about['program']['sha256']:",
        f"    raise ValueError({file + ' is damaged'!r})",
        *_rows(trained),
    ]
    call = "np.asarray(export.deserialize(bytearray(program)).call(x))"
    if trained.numbers is not None:
        return [*lines, f"outputs = {call}", *_numbers()]
    return [*lines, f"probabilities = {call}", _classes(trained)]


def _imports(trained: Trained, *others: str) -> list[str]:
    """The imports, in alphabetical order."""
    names = ["json", "numpy as np", *others]
    if trained.encoding:
        names.append("pandas")
    return [f"import {name}" for name in sorted(names)]


def _about(file: str) -> list[str]:
    """What the tensors lack: scaling, columns, classes."""
    return [
        f"with safetensors.safe_open({file!r}, 'numpy') as opened:",
        "    about = json.loads(opened.metadata()['about'])",
    ]


def _features(trained: Trained) -> list[str]:
    """The rows as `x`, flat and scaled."""
    lines = _rows(trained)
    if trained.encoding is None:
        lines = [f"{lines[0]}.reshape(-1, {trained.features})"]
    scaled = [
        "x = (x - np.float32(about['scaling']['offset'])) / np.float32(about['scaling']['scale'])"
    ]
    if trained.scaling.source is not None:
        scaled = ["x = x[:, about['scaling']['source']]", *scaled, _clipped(trained)]
    elif trained.scaling.limit is not None:
        scaled.append("x = x / np.hypot(1, x * np.float32(about['scaling']['per_limit']))")
    return [*lines, *scaled]


def _clipped(trained: Trained) -> str:
    """Pieces cut off at their ends."""
    if trained.scaling.limit is None:
        return "x = np.clip(x, 0, 1)"
    limit = "1 / np.float32(about['scaling']['per_limit'])"
    return f"x = np.clip(x, -{limit}, {limit})"


def _rows(trained: Trained) -> list[str]:
    """The rows as `x`, unscaled."""
    if trained.encoding is None:
        return [f"x = {_array(trained)}"]
    lines = list(FEATURES)
    if trained.encoding.by_target:
        lines[CATEGORIES] = lines[CATEGORIES].replace("if", "elif", 1)
        lines[CATEGORIES:CATEGORIES] = EFFECTS
    return ["", "", *lines, "", "", *_table(trained.encoding), "x = features(table)"]


def _answers(trained: Trained) -> list[str]:
    """From the network's outputs to classes and probabilities, or to numbers in their units."""
    if trained.numbers is not None:
        return _numbers()
    return [
        "probabilities = np.exp(outputs - outputs.max(axis=1, keepdims=True))",
        "probabilities /= probabilities.sum(axis=1, keepdims=True)",
        _classes(trained),
    ]


def _numbers() -> list[str]:
    """From outputs to numbers in their targets' units."""
    return [
        "targets = about['targets']",
        "predicted = outputs * np.array(targets['scale']) + targets['offset']",
    ]


def _classes(trained: Trained) -> str:
    """From probabilities to classes by name."""
    chosen = "probabilities.argmax(axis=1)"
    if trained.threshold is not None:
        chosen = "(probabilities[:, 1] >= about['threshold']).astype(int)"
    return f"classes = np.array(about['classes'])[{chosen}]"


def _array(trained: Trained) -> str:
    """Rows that are not a table's, from a file."""
    if trained.image:
        shape = ", ".join(map(str, trained.image))
        return f"np.load('images.npy').astype('uint8').reshape(-1, {shape})"
    return "np.load('rows.npy').astype('float32')"


def _table(encoding: Encoding) -> list[str]:
    """Read a table: categories as texts, times as days since 1970."""
    texts = [column.name for column in encoding.columns if column.kind == "text"]
    lines = [f"table = pandas.read_csv({', '.join(_options(encoding, texts))})"]
    if texts:
        lines = [f"texts = {texts!r}", *lines, "table[texts] = table[texts].fillna('')"]
    for column in encoding.columns:
        if column.kind == "time":
            format_ = f", format={column.format!r}" if column.format else ""
            parsed = f"pandas.to_datetime(table[{column.name!r}]{format_})"
            since = f"({parsed} - pandas.Timestamp(0)) / pandas.Timedelta(days=1)"
            lines.append(f"table[{column.name!r}] = {since}")
    return lines


def _options(encoding: Encoding, texts: Sequence[str]) -> list[str]:
    """What pandas is told of the file."""
    options = ["'rows.csv'"]
    if encoding.layout:
        options.append(f"header=None, names={list(encoding.layout)!r}")
    if texts:
        options.append("dtype=dict.fromkeys(texts, str)")
    return options
