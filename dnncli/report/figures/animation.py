"""`vanishing-demo --animate`: δ by layer as training goes on, a frame an epoch.

Every frame's lines stand in one figure; a film shows them in turn. An SVG holds them all and
switches them by itself (SMIL); where a viewer does not, it shows the last one.
"""

import io
import math
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dnncli.errors import DnncliError, SpecError
from dnncli.records import CaseRecord
from dnncli.report.figures import canvas
from dnncli.storage import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".gif", ".svg", ".mp4")
COLUMNS = 4  # of panels
FRAMES_A_SECOND = 4
DPI = 150  # of a film
GROUP = re.compile(r'<g id="frame(\d+)-\w+">')


class Film(NamedTuple):
    """A figure, and what of it belongs to each frame."""

    figure: "Figure"
    frames: list[list[Any]]


def check(path: Path, option: str = "--animate") -> None:
    """Fail before the work where the film could not be made after it.

    Raises SpecError for a kind of file that there is not, DnncliError where matplotlib or, for
    .mp4, ffmpeg is missing.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise SpecError(
            f"{option} {files.shown(path)}: a film is called .gif, .svg or .mp4.", option=option
        )
    canvas.check(path.with_suffix(".svg"), option)
    if kind == ".mp4" and shutil.which("ffmpeg") is None:
        raise DnncliError(f"{option}: .mp4 needs ffmpeg, which is not installed; .gif does not.")


def film(cases: Sequence[CaseRecord]) -> Film:
    """A panel a case, all with the same axes; each frame's line over that before the first step."""
    columns = min(COLUMNS, len(cases))
    rows = math.ceil(len(cases) / columns)
    count = 1 + max(len(_trained(case)) for case in cases)
    frames: list[list[Any]] = [[] for _ in range(count)]
    with canvas.canvas(canvas.TEXT_WIDTH, 0.9 + 1.4 * rows) as drawn:
        canvas.title(drawn, f"{cases[0].depth} hidden layers while they are trained")
        grid = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels = list(grid.flat)
        for index, case in enumerate(cases):
            _panel(panels[index], case, index, frames)
        for empty in panels[len(cases) :]:
            empty.set_axis_off()
        drawn.supxlabel("layer, from the input up  (grey: before the first step)", fontsize=8)
        drawn.supylabel("δ   (RMS of ∂ℓ/∂z, nats)", fontsize=8)
        for place, frame in enumerate(frames):
            name = f"epoch {place}" if place else "before the first step"
            label = drawn.text(0.99, 0.985, name, ha="right", va="top", fontweight="bold")
            label.set_gid(f"frame{place}-label")
            frame.append(label)
    return Film(drawn, frames)


def _panel(axes: "Axes", case: CaseRecord, index: int, frames: Sequence[list[Any]]) -> None:
    """One case: its lines, each put into its frame; a case that has diverged keeps its last one."""
    first = tuple(layer.delta_rms for layer in case.layers)
    deltas = [first, *_trained(case)]
    layers = range(1, len(first) + 1)
    axes.plot(layers, first, color=canvas.GREY, linewidth=1.0)
    colour = canvas.COLOURS[index % len(canvas.COLOURS)]
    for place, frame in enumerate(frames):
        ended = place >= len(deltas)
        values = deltas[-1] if ended else deltas[place]
        style = ":" if ended else "-"
        (line,) = axes.plot(layers, values, style, color=colour)
        line.set_gid(f"frame{place}-case{index}")
        frame.append(line)
    axes.set_yscale("log")
    canvas.whole_numbers(axes.xaxis)
    axes.set_title(canvas.literal(case.short), fontsize=7)
    axes.grid(color="#e6e6e6", linewidth=0.5)


def _trained(case: CaseRecord) -> Sequence[tuple[float, ...]]:
    """δ of every layer after each epoch."""
    return () if case.trained is None else case.trained.deltas


def save(made: Film, path: Path, command: str) -> None:
    """Write a film whole or not at all."""
    from matplotlib import rc_context

    with rc_context(canvas.style()):
        data = _svg(made, command) if path.suffix.lower() == ".svg" else _frames(made, path)
    files.write(path, data)


def _frames(made: Film, path: Path) -> bytes:
    """A film of pictures; its writers want a file of their own."""
    from matplotlib.animation import FFMpegWriter, PillowWriter

    kinds: dict[str, Any] = {".gif": PillowWriter, ".mp4": FFMpegWriter}
    kind = path.suffix.lower()
    writer = kinds[kind](fps=FRAMES_A_SECOND)
    with tempfile.TemporaryDirectory(prefix="dnncli-film-") as folder:
        file = Path(folder) / f"film{kind}"
        with writer.saving(made.figure, str(file), DPI):
            for place in range(len(made.frames)):
                _show(made, place)
                writer.grab_frame()
        return file.read_bytes()


def _show(made: Film, shown: int) -> None:
    """Make one frame's parts visible, and no other's."""
    for place, frame in enumerate(made.frames):
        for part in frame:
            part.set_visible(place == shown)


def _svg(made: Film, command: str) -> bytes:
    """All frames in one drawing, each with the times at which it is to be seen."""
    data = io.BytesIO()
    made.figure.savefig(data, format="svg", metadata=canvas.metadata("svg", command))
    count = len(made.frames)

    def timed(group: re.Match[str]) -> str:
        place = int(group[1])
        seen = "visible" if place == count - 1 else "hidden"
        opening = group[0].replace(">", f' visibility="{seen}">')
        return opening + _switch(place, count)

    return GROUP.sub(timed, data.getvalue().decode()).encode()


def _switch(place: int, count: int) -> str:
    """SMIL that shows a frame at its turn."""
    times = [0.0, place / count, (place + 1) / count]
    states = ["hidden", "visible", "hidden"]
    first = 0 if place else 1
    last = 3 if place < count - 1 else 2
    values = ";".join(states[first:last])
    keys = ";".join(f"{time:g}" for time in (0.0, *times[first + 1 : last]))
    return (
        f'<animate attributeName="visibility" values="{values}" keyTimes="{keys}"'
        f' dur="{count / FRAMES_A_SECOND:g}s" calcMode="discrete" repeatCount="indefinite"/>'
    )
