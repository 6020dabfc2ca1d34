"""Command lines that cover every command, format and option group, and the files that they read.

`compare_versions.py` runs them. Each is a line of Bash in which `dnncli` is the program; it runs in
a folder of its own that holds the files of `write_files` and the checkpoints of `PREPARATION`.
"""

import csv
import gzip
import json
import struct
from pathlib import Path

import numpy as np

PREPARATION = {
    "digits.ckpt": "train --hidden 20,10 --epochs 2 -q --out digits.ckpt",
    "bn.ckpt": "train --hidden 20,10 --bn --bn-output --epochs 2 -q --out bn.ckpt",
    "table.ckpt": "train --data table.csv --hidden 8 --epochs 2 -q --out table.ckpt",
    "low.ckpt": "train --classes 0-4 --hidden 20,10 --epochs 2 -q --out low.ckpt",
    "broken.ckpt": "train --hidden 8 --act relu --optimizer sgd --lr 1e6 --epochs 2 -q"
    " --out broken.ckpt",
}

SMALL = "--hidden 12,8 --epochs 2"
TABLE = "--data table.csv --hidden 8 --epochs 2"
PAIR = "--acts tanh,relu --hidden 8 --epochs 2"

RACE = (
    "--data table.csv --drop note --preset plain --hidden 6 --epochs 2 --patience 0 --seed 3"
    " --seeds 2 --budget 1"
)
KEYS = """python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)))'"""

COMMAND_LINES = {
    # train: formats
    "train, the defaults": "dnncli train --epochs 2",
    "train, json": f"dnncli train {SMALL} --format json --out a.ckpt",
    "train, jsonl": f"dnncli train {SMALL} --format jsonl --out a.ckpt",
    "train, csv": f"dnncli train {SMALL} --format csv --out a.ckpt",
    # train: data
    "train, selection": f"dnncli train {SMALL} --classes 0,1,7 --per-class 40"
    " --validation-per-class 10 --validation 0.2 --test 50 --scale unit --format json",
    "train, unscaled": f"dnncli train {SMALL} --scale none --format json",
    "train, table": f"dnncli train {TABLE}",
    "train, table's options": f"dnncli train {TABLE} --target label --drop note"
    " --types code=category --where 'age > 20' --label-strip . --format json",
    "train, delimiter": "dnncli train --data semicolon.txt --delimiter ';' --no-header --hidden 8"
    " --epochs 2 --format json",
    "train, test file": f"dnncli train {TABLE} --test test.csv --format json",
    "train, JSON lines": "dnncli train --data table.jsonl --hidden 8 --epochs 2 --format json",
    "train, IDX": f"dnncli train --data idx {SMALL} --format json",
    "train, npz": f"dnncli train --data cloud.npz {SMALL} --format json",
    # train: network
    "train, depth and width": "dnncli train --depth 4 --width 12 --act tanh --init xavier"
    " --epochs 2",
    "train, alpha": f"dnncli train {SMALL} --act leaky-relu --alpha 0.2 --init orthogonal"
    " --format json",
    "train, batch norm": f"dnncli train {SMALL} --bn --bn-momentum 0.8 --bn-output --act relu",
    "train, dropout": f"dnncli train {SMALL} --act selu --dropout 0.1 --format json",
    "train, prelu": f"dnncli train {SMALL} --act prelu --init he-uniform --format json",
    "train, critical": "dnncli train --depth 6 --width 20 --act sigmoid --init critical --epochs 2",
    # train: optimisation
    "train, momentum": f"dnncli train {SMALL} --optimizer momentum --momentum 0.8 --lr 0.05"
    " --schedule exponential --decay-rate 0.5 --decay-steps 20 --format json",
    "train, nesterov": f"dnncli train {SMALL} --optimizer nesterov --schedule cosine --warmup 1"
    " --format csv",
    "train, sgd clipped": f"dnncli train {SMALL} --optimizer sgd --lr 0.1 --clip-norm 0.1"
    " --l1 1e-4 --l2 1e-3 --max-norm 2 --format json",
    "train, adamw": f"dnncli train {SMALL} --optimizer adamw --weight-decay 0.1"
    " --schedule one-cycle --clip-global-norm 1 --batch-size 100 --format json",
    "train, clip value": f"dnncli train {SMALL} --optimizer rmsprop --clip-value 0.01"
    " --format json",
    "train, other rules": f"for rule in adagrad nadam lamb lion; do dnncli train {SMALL}"
    " --optimizer $rule --format csv --out $rule.ckpt; done",
    # train: stopping and the run
    "train, patience": "dnncli train --hidden 12 --epochs 12 --patience 1 --min-delta 0.05"
    " --monitor val-accuracy --lr 0.01",
    "train, resume": f"dnncli train {SMALL} --seed 3 -q --out a.ckpt > first.txt &&"
    " dnncli train --resume a.ckpt --epochs 4 --out b.ckpt",
    "train, saved options": f"dnncli train {SMALL} --save-config saved.toml -q --out a.ckpt"
    " > first.txt && dnncli train --config saved.toml --out b.ckpt --format json",
    "train, config file": "dnncli train --config run.toml --epochs 1 --format json",
    "train, environment": "DNNCLI_TRAIN_LR=0.01 DNNCLI_TRAIN_HIDDEN=6,6"
    " dnncli train --config run.toml --format json",
    "train, fails on": "dnncli train --depth 12 --width 10 --act sigmoid --init xavier --epochs 1"
    " --fail-on vanishing,dead",
    "train, stops on": "dnncli train --depth 12 --width 10 --act sigmoid --init xavier --epochs 3"
    " --stop-on vanishing --fail-on vanishing --format json",
    "train, diverges": "dnncli train --hidden 8 --act relu --optimizer sgd --lr 1e6 --epochs 2",
    "train, explodes": "dnncli train --depth 20 --width 50 --act relu --init normal --epochs 1"
    " --format json",
    "train, overwrites": f"dnncli train {SMALL} --out digits.ckpt; echo $?;"
    f" dnncli train {SMALL} --out digits.ckpt --overwrite --format json",
    "train, plot": f"dnncli train {SMALL} --plot run.svg --out a.ckpt",
    "train, tensorboard": f"dnncli train {SMALL} --tensorboard logs --out a.ckpt",
    "train, preset": "dnncli train --data table.csv --preset tabular --epochs 2 --json a.json",
    "train, regression": "dnncli train --data table.csv --target age --task regression --hidden 8"
    " --epochs 2 --weight size --format json",
    "train, decision": f"dnncli train {SMALL} --classes 3,8 --calibrate --threshold auto"
    " --class-weight balanced --monitor val-auc --format json",
    "train, several networks": f"dnncli train {SMALL} --ensemble 3 --format json --out a.ckpt;"
    f" dnncli train {SMALL} --folds 2 --final --format json --out b.ckpt",
    "train, precision": f"dnncli train {SMALL} --precision bfloat16 --split-seed 3 --format json",
    "train, verify": "dnncli train --verify digits.ckpt --json a.json",
    "train, keep": f"dnncli train {SMALL} --keep 1 --format csv --out a.ckpt",
    # doctor and tune race against the clock: what is the same on every machine is compared
    "doctor, table": f"dnncli doctor {RACE} --lr 1e-6 -q | sed -n 1,2p || true",
    "doctor, formats": f"dnncli doctor {RACE} --format json | {KEYS} || true;"
    f" dnncli doctor {RACE} --format jsonl | sed -n 1p || true;"
    f" dnncli doctor {RACE} --format csv | sed -n 1p || true",
    "tune, table": f"dnncli tune {RACE} -q | sed -n 1,2p || true",
    "tune, formats": f"dnncli tune {RACE} --format json | {KEYS} || true;"
    f" dnncli tune {RACE} --format jsonl | sed -n 1p || true;"
    f" dnncli tune {RACE} --format csv | sed -n 1p || true",
    # eval
    "eval, table": "dnncli eval digits.ckpt",
    "eval, everything": "dnncli eval bn.ckpt --split train --split validation --split test"
    " --gradients --bn-stats all --format json",
    "eval, jsonl and csv": "dnncli eval digits.ckpt --format jsonl > a.jsonl &&"
    " dnncli eval digits.ckpt --format csv",
    "eval, other data": "dnncli eval table.ckpt --data test.csv --gradients",
    "eval, batch statistics": "dnncli eval bn.ckpt --bn-stats batch --gradients",
    "eval, salvage": "dnncli eval digits.ckpt --salvage --config run.toml",
    "eval, importance": "dnncli eval table.ckpt --importance --format json",
    "eval, smoothness": "dnncli eval bn.ckpt --along-gradient 0.1 --format json",
    # predict
    "predict, csv": "dnncli predict table.ckpt new.csv",
    "predict, probabilities": "dnncli predict table.ckpt new.csv --probabilities --format json",
    "predict, jsonl": "dnncli predict table.ckpt new.csv --format jsonl",
    "predict, parquet": "dnncli predict table.ckpt new.csv --probabilities --out scored.parquet"
    " && dnncli data show scored.parquet --target 1",
    "predict, stdin": "dnncli predict table.ckpt - < new.csv",
    "predict, images": "dnncli train --data idx --hidden 8 --epochs 1 -q --out a.ckpt > first.txt;"
    " dnncli predict a.ckpt idx/t10k-images-idx3-ubyte.gz --probabilities",
    "predict, formats": "dnncli predict table.ckpt new.csv --format csv --header --config run.toml;"
    " dnncli predict table.ckpt new.csv --format parquet --keep 1 --out scored.parquet",
    # inspect
    "inspect, table": "dnncli inspect digits.ckpt --config run.toml",
    "inspect, history": "dnncli inspect digits.ckpt --history",
    "inspect, json": "dnncli inspect bn.ckpt --format json",
    "inspect, jsonl and csv": "dnncli inspect table.ckpt --format jsonl > a.jsonl;"
    " dnncli inspect bn.ckpt --format csv",
    "inspect, steps": "dnncli inspect broken.ckpt --steps;"
    " dnncli inspect broken.ckpt --steps --format json > steps.json",
    "export, torch": "dnncli export bn.ckpt bn.safetensors --format torch &&"
    " dnncli inspect bn.safetensors --act elu &&"
    " dnncli eval bn.safetensors --act elu --data digits --format json > eval.json",
    "export, keras": "dnncli export digits.ckpt a.safetensors --format keras &&"
    " dnncli inspect a.safetensors --act elu --format csv",
    "export, onnx": "dnncli export table.ckpt table.onnx --format onnx --config run.toml &&"
    " dnncli export bn.ckpt bn.onnx && dnncli inspect bn.onnx",
    "export, stablehlo": "dnncli export bn.ckpt bn.stablehlo --format stablehlo > use.py",
    # report
    "report, checkpoint": "dnncli report digits.ckpt page.html --config run.toml -q;"
    " dnncli report table.ckpt page.html --importance --overwrite -q",
    "report, result": f"dnncli train {SMALL} --format json -q | dnncli report - page.html -q",
    # transfer
    "transfer, table": "dnncli transfer low.ckpt --classes 5-9 --per-class 20 --seeds 2 --epochs 2",
    "transfer, layers": "dnncli transfer low.ckpt --classes 5-9 --keep 1 --add 6 --freeze 1"
    " --unfreeze 2:all --lr-decay 0.5 --seeds 1 --epochs 2 --dropout 0.1 --init he --format json",
    "transfer, auto": "dnncli transfer digits.ckpt --keep auto --head new --reinit hidden1"
    " --no-cache --no-baseline --seeds 1 --epochs 2 --lr 0.01 --format jsonl",
    "transfer, csv and plot": "dnncli transfer low.ckpt --classes 5-9 --freeze all --seeds 2"
    " --epochs 2 --patience 0 --plot t.svg --format csv --out t.ckpt",
    "transfer, tables": "dnncli transfer table.ckpt --data test.csv --drop note --keep 1 --seeds 1"
    " --epochs 2 --format json",
    "transfer, from elsewhere": "dnncli export low.ckpt low.safetensors --format torch > use.py &&"
    " dnncli transfer low.safetensors --act elu --data digits --classes 5-9 --per-class 20 --keep 1"
    " --seeds 1 --epochs 2 --format json",
    # compare-activations
    "compare-activations, table": f"dnncli compare-activations {PAIR} --seeds 2",
    "compare-activations, json": "dnncli compare-activations --acts elu,elu:0.5 --inits he,lecun"
    " --hidden 8 --epochs 2 --seeds 5 --baseline elu/he --format json",
    "compare-activations, rates": f"dnncli compare-activations {PAIR} --optimizer sgd"
    " --lrs 0.01,0.1 --seeds 2 --seed 4 --bn --format jsonl",
    "compare-activations, resume": f"dnncli compare-activations {PAIR} --seeds 2 --out acts -q"
    " > first.txt && rm acts/relu-1.ckpt; ls acts > names.txt;"
    " dnncli compare-activations --resume acts --format csv",
    "compare-activations, plot": f"dnncli compare-activations {PAIR} --data table.csv --seeds 2"
    " --plot acts.svg --format csv",
    "compare-activations, tables": f"dnncli compare-activations {PAIR} --data table.csv"
    " --drop note --preset plain --patience 1 --seeds 2 --format json",
    # vanishing-demo
    "vanishing-demo, table": "dnncli vanishing-demo --depth 5 --width 20 --seeds 2",
    "vanishing-demo, sweep": "dnncli vanishing-demo --cases tanh:he,relu:he+bn --depths 3,6"
    " --width 20 --seeds 2 --format json",
    "vanishing-demo, training": "dnncli vanishing-demo --cases sigmoid:xavier,relu:he+clip"
    " --depth 4 --width 20 --seeds 2 --train 2 --plot v.svg",
    "vanishing-demo, jsonl and csv": "dnncli vanishing-demo --cases elu:he --depth 4 --width 20"
    " --format jsonl > a.jsonl; dnncli vanishing-demo --cases elu:he --depth 4 --format csv",
    "vanishing-demo, data": "dnncli vanishing-demo --data cloud.npz --cases elu:he --depth 4"
    " --width 9 --train 1 --seeds 1 --animate v.svg --config run.toml --format json",
    # tour
    "tour, list": "dnncli tour --list --config run.toml; dnncli tour --list --format csv;"
    " dnncli tour --list --lang ko --format jsonl",
    "tour, station": "dnncli tour saturation --quick --format json",
    # data
    "data list": "dnncli data list; dnncli data list --format json > list.json;"
    " dnncli data list --format csv > list.csv; dnncli data list --format jsonl --config run.toml",
    "data show, table": "dnncli data show table.csv --drop note --types code=category",
    "data show, json": "dnncli data show table.csv --target label --where 'age > 20' --format json",
    "data show, images": "dnncli data show idx; dnncli data show digits --format csv > digits.csv",
    "data show, regression": "dnncli data show table.csv --target age --task regression"
    " --format jsonl --config run.toml",
    # Nothing listens there: what is fetched depends on the network.
    "data fetch": "dnncli data fetch mnist --mirror http://127.0.0.1:9/ --config run.toml -q;"
    " echo $?",
    "data clear": "export DNNCLI_CACHE=encoded; dnncli data clear --config run.toml --format json;"
    " dnncli data clear --format jsonl; dnncli data clear --format csv; dnncli data clear -q",
    # the frame
    "help": "for command in '' train eval predict export inspect transfer compare-activations"
    " vanishing-demo data 'data list' 'data show' 'data fetch' 'data clear' doctor tune report"
    " schema tour completion; do dnncli $command --help; done",
    "schema": "for command in train eval doctor tune transfer data-list data-show data-clear predict"
    " inspect compare-activations vanishing-demo tour; do dnncli schema $command > $command.json; done",
    "completion scripts": "for shell in bash zsh fish; do dnncli completion $shell > $shell; done",
    "completion": "_DNNCLI_COMPLETE=bash_complete COMP_WORDS='dnncli train --act s' COMP_CWORD=3"
    " dnncli",
    # errors
    "wrong usage": "for option in '--act rleu' '--lr nan' '--hidden 3,,1'"
    " '--optimizer adam --momentum 0.9' '--act relu --alpha 1' '--epochs 0' '--dropout 1'"
    " '--no-such 1' '--fail-on x'; do"
    " dnncli train $option; echo $?; done",
    "wrong data": "dnncli train --data none.csv; echo $?; dnncli train --data table.csv --target x;"
    " echo $?; dnncli data show table.csv --where 'no such'; echo $?; dnncli train --data run.toml;"
    " echo $?; dnncli train --data table.csv --target age",
    "wrong checkpoint": "dnncli eval table.csv; echo $?; dnncli inspect none.ckpt; echo $?;"
    " head -c 900 digits.ckpt > cut.ckpt; dnncli eval cut.ckpt; echo $?;"
    " dnncli predict table.ckpt cloud.npz",
    "wrong config": "dnncli train --config wrong.toml; echo $?; DNNCLI_TRAIN_LRR=1 dnncli train;"
    " echo $?; dnncli eval",
}

CONFIG = '[train]\nact = "tanh"\nhidden = [10, 6]\nlr = 0.02\nepochs = 2\nbatch-size = 50\n'


def write_files(folder: Path) -> None:
    """Write tables, images, arrays and configuration files, the same ones every time."""
    rng = np.random.default_rng(0)
    _write_tables(folder, rng)
    write_idx(folder / "idx", rng)
    x = rng.normal(size=(120, 4)).astype(np.float32)
    np.savez(folder / "cloud.npz", x=x, y=np.arange(120) % 3)
    (folder / "run.toml").write_text(CONFIG)
    (folder / "wrong.toml").write_text('[train]\nactt = "tanh"\n')


def _write_tables(folder: Path, rng: np.random.Generator) -> None:
    """A table with numbers, categories, dates and gaps, in several formats and parts."""
    rows = [_row(rng) for _ in range(320)]
    _write_csv(folder / "table.csv", rows[:240])
    _write_csv(folder / "test.csv", rows[240:300])
    _write_csv(folder / "new.csv", rows[300:])
    lines = [json.dumps(row) for row in rows[:240]]
    (folder / "table.jsonl").write_text("\n".join(lines) + "\n")
    fields = [f"{row['age']};{row['size']};{row['label']}\n" for row in rows[:240]]
    (folder / "semicolon.txt").write_text("".join(fields))


def _row(rng: np.random.Generator) -> dict[str, object]:
    """One row, whose label follows from its age, size and colour."""
    age = int(rng.integers(18, 70))
    colour = str(rng.choice(["red", "green", "blue"]))
    size = None if rng.random() < 0.05 else round(float(rng.normal(10, 3)), 3)
    score = age / 20 + (size or 10) / 10 + 2 * (colour == "red") + rng.normal(0, 0.3)
    label = "high." if score > 4 else "low."
    return {
        "age": age,
        "size": size,
        "colour": colour,
        "code": int(rng.integers(1, 4)),
        "day": f"2024-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}",
        "note": f"n{rng.integers(0, 5)}",
        "label": label,
    }


def _write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def write_idx(folder: Path, rng: np.random.Generator) -> None:
    """Small images of three classes under MNIST's names: a bright row tells the class."""
    folder.mkdir()
    for part, count in (("train", 150), ("t10k", 60)):
        labels = (np.arange(count) % 3).astype(np.uint8)
        images = rng.integers(0, 100, (count, 5, 5), np.uint8)
        images[np.arange(count), labels] += 120
        head = struct.pack(">IIII", 0x803, count, 5, 5)
        _write_gzip(folder / f"{part}-images-idx3-ubyte.gz", head + images.tobytes())
        head = struct.pack(">II", 0x801, count)
        _write_gzip(folder / f"{part}-labels-idx1-ubyte.gz", head + labels.tobytes())


def _write_gzip(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data, mtime=0))
