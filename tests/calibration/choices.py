"""Doctor's choice, a random search with the same budget and a constant answer; run by hand.

    python tests/calibration/choices.py --half evaluation [--minutes M] [--budget S] [--seeds N]
        [--results FOLDER] [--after N] [--every K] [--only REGEX] [--alone]

takes the sick networks of `run.py` that options can cure, in its order; --after leaves out the
first N that count, which were measured before, --every takes each K-th, so that processes can
share the cases, and --alone leaves out the other two answers. `dnncli doctor` examines each with a
budget of S seconds of work, which `work.py` counts by programs and steps: what a machine that
others share does in a second, by the wall's clock or the processor's, says little. Random search
gets as many as doctor took: learning rate, optimizer, activation and batch size are drawn, each
other option stays with a chance of a half, and the validation accuracy chooses. The constant answer
is `--act elu` and the default rate. Each choice is then trained over the calibration's seeds; it
cures where it comes within 0.05 of the twin on the test set.
"""

import argparse
import hashlib
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

NAMES = ("doctor's choice", "random search", "--act elu and the default rate")


def main() -> None:
    """Print a line for each case, and the table."""
    chosen = _options()
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest's `pythonpath` does
    import quick
    from calibration import scoring

    # A third of the time to compile; what networks reach is the same.
    with quick.compilation():
        cures = _measured(chosen)
    print("\n| | share | exact 95 % interval | cases |\n| --- | --- | --- | --- |")
    for name, column in zip(NAMES, zip(*cures, strict=True), strict=False):
        print(scoring.counted(f"{name} cures", sum(column), len(column)))


def _measured(chosen: argparse.Namespace) -> list[tuple[bool, ...]]:
    """Which of the three cure each case; prints a line for each."""
    from calibration import measuring

    folder = chosen.results or Path(tempfile.gettempdir(), "dnncli-calibration")
    runner = measuring.Runner(folder)
    known = measuring.read_labels(Path(__file__).with_name("labels.json"))
    cures: list[tuple[bool, ...]] = []
    seen = 0
    ends = time.monotonic() + 60 * chosen.minutes
    for case in sick(chosen.half, chosen.only):
        if time.monotonic() > ends:
            break
        label = runner.label(case, known)
        seen += label.holds
        if not label.holds or seen <= chosen.after or (seen - chosen.after - 1) % chosen.every:
            continue
        cured, text = tried(runner, label, chosen)
        cures.append(cured)
        print(f"{case.name}: {text}", flush=True)
    return cures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("design", "evaluation", "both"), required=True)
    parser.add_argument("--minutes", type=float, default=float("inf"), metavar="M")
    parser.add_argument("--budget", type=float, default=15.0, metavar="SECONDS")
    parser.add_argument("--seeds", type=int, default=3, help="of each of doctor's candidates")
    parser.add_argument("--results", type=Path, metavar="FOLDER")
    parser.add_argument("--after", type=int, default=0, metavar="N")
    parser.add_argument("--every", type=int, default=1, metavar="K")
    parser.add_argument("--alone", action="store_true", help="doctor's choice alone")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name this matches")
    return parser.parse_args()


def sick(half: str, only: str = "") -> list:
    """The half's sick networks that options can cure, in the order of their names' hashes."""
    from calibration import cases

    fitting = [case for case in cases.sick() if half in (case.half, "both") and case.curable]
    fitting = [case for case in fitting if re.search(only, case.name)]
    return sorted(fitting, key=lambda case: hashlib.sha256(case.name.encode()).digest())


def tried(runner: Any, label: Any, chosen: argparse.Namespace) -> tuple[tuple, str]:
    """Which of the three cure a case, and what they chose."""
    from calibration.cases import MARGIN
    from calibration.measuring import remedied
    from calibration.truths import CONSTANT_CHANGES
    from calibration.work import Work

    run = label.case.run
    work = Work()
    choice = prescribed(run, chosen, runner.folder, work)
    changes = choice.changes
    accuracies = [choice.accuracy]
    if choice.accuracy is None:
        accuracies = [runner.accuracy(remedied(run, changes)) if changes else 0.0]
    if not chosen.alone:
        found = searched(run, work.seconds, runner.folder)
        runs = [found, remedied(run, CONSTANT_CHANGES)]
        accuracies += [0.0 if one is None else runner.accuracy(one) for one in runs]
    cured = tuple(bool(label.twin - accuracy <= MARGIN) for accuracy in accuracies)
    told = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
    return cured, f"twin {label.twin:.2f}; {told}; {work.seconds:.0f} s; {choice.told}; {changes}"


class Prescribed(NamedTuple):
    """What doctor says: its verdict and grounds, and the changes; none where it knows none.

    accuracy: on the test set over the calibration's seeds, None where the race did not get to the
    end of them.
    """

    told: str
    changes: dict[str, Any]
    accuracy: float | None = None


def prescribed(run: Any, chosen: argparse.Namespace, folder: Path, work: Any) -> Prescribed:
    """What doctor chooses within the budget, by the clock of `work`."""
    from calibration import running
    from calibration.measuring import SEEDS

    from dnncli.experiments.doctor import result, subject
    from dnncli.experiments.doctor.run import Examination
    from dnncli.experiments.halving import Deadline

    @dataclass
    class Timed(Examination):
        """An examination whose budget is work."""

        @property
        def deadline(self) -> Deadline:
            """When the budget is used up."""
            return Deadline(self.budget, self.began, work)

    spec = running.spec_of(run, 0)
    dataset = running.dataset_of(run.recipe, spec.data, folder)
    with chdir(folder / "tables" / run.recipe.digest):
        looked = subject.examination(spec, dataset, budget=chosen.budget, seeds=chosen.seeds)
        timed = Timed(**(vars(looked) | {"began": work.seconds}))
        for event in timed.run():
            work.take(event, timed)
    record = result.result(timed)
    told = f"{record.health.verdict}, by {record.basis or 'nothing'}"
    if timed.to_drop is not None:
        return Prescribed(told, dict(timed.to_drop))
    named = [one for one in record.candidates if one.name == record.chosen]
    if not named:
        return Prescribed(told, {})
    taken = named[0]
    told = f"{told} at {taken.rung}/{taken.rungs} over {len(taken.val_accuracies)} seeds"
    if taken.rung < taken.rungs or taken.test_accuracies is None:
        return Prescribed(told, taken.changes)
    first = taken.test_accuracies[: len(SEEDS)]  # the race's seeds begin with the same
    return Prescribed(told, taken.changes, sum(first) / len(first))


def searched(run: Any, seconds: float, folder: Path) -> Any:
    """The best of random runs by validation accuracy, drawn until as much work is done."""
    from calibration import running
    from calibration.work import Work, program, steps_per_epoch

    best = (-1.0, None)
    work = Work()
    for candidate in drawn(run):
        accuracy = running.validated(candidate, 0, folder)
        best = max(best, (accuracy, candidate), key=lambda pair: pair[0])
        if accuracy:  # else the options may make no run, which costs next to nothing
            spec = running.spec_of(candidate, 0)
            dataset = running.dataset_of(candidate.recipe, spec.data, folder)
            steps = spec.schedule.epochs * steps_per_epoch(spec, dataset)
            work.add(program(spec, dataset), steps)
        if work.seconds > seconds:
            break
    return best[1]


def drawn(run: Any) -> Iterator[Any]:
    """Random runs: the same for the same case every time."""
    from calibration.cases import ACTS, RATES, Run

    rng = random.Random(str(run))
    kept = {"hidden", "epochs"}  # the network's size and how long it may train
    own = {"decay-rate", "decay-steps", "momentum", "bn-momentum"}  # other options' own
    while True:
        options = {
            name: value
            for name, value in run.options
            if name in kept or (name not in own and rng.random() < 1 / 2)
        }
        options.pop("schedule", None)
        options |= {
            "lr": f"{10 ** rng.uniform(-5, 0):.2g}",
            "optimizer": rng.choice(list(RATES)),
            "act": rng.choice(ACTS),
            "batch-size": rng.choice(["16", "32", "64"]),
        }
        options.pop("weight-decay", None)
        yield Run.of(run.recipe, options)


if __name__ == "__main__":
    main()
