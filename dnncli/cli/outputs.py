"""What a run leaves besides its result: a picture, a TensorBoard log, its options in a file."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dnncli.cli import config
from dnncli.cli.command import COMMAND_LINE, section
from dnncli.errors import SpecError
from dnncli.stages import stage
from dnncli.storage import files

if TYPE_CHECKING:
    from dnncli.report.tensorboard import Log

plot_option = click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the result: .svg, .png or .pdf.  (needs dnncli[plot])",
)
json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the result here, as one JSON object.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist.")
save_config_option = section(
    "Run",
    click.option(
        "--save-config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write every option of this run as TOML: --config FILE repeats it exactly.",
    ),
)
tensorboard_option = click.option(
    "--tensorboard",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Log for TensorBoard, each run in a folder of its own.  (needs dnncli[tensorboard])",
)


@dataclass(frozen=True)
class Extras:
    """The files that were asked for besides the checkpoint at `out`; None: that one was not."""

    overwrite: bool
    out: Path | None = None
    plot: Path | None = None
    animate: Path | None = None
    save_config: Path | None = None
    tensorboard: Path | None = None
    json: Path | None = None

    def check(self) -> None:
        """Fail before the work where a file could not be written after it.

        Raises SpecError for what was asked wrongly, DnncliError for what the system refuses.
        """
        named = {
            "--out": self.out,
            "--plot": self.plot,
            "--animate": self.animate,
            "--save-config": self.save_config,
            "--json": self.json,
        }
        _check_distinct({option: path for option, path in named.items() if path})
        if self.plot:
            from dnncli.report.figures import canvas

            canvas.check(self.plot)
            files.reserve(self.plot, self.overwrite, "--plot")
        if self.animate:
            from dnncli.report.figures import animation

            animation.check(self.animate)
            files.reserve(self.animate, self.overwrite, "--animate")
        for option in ("--save-config", "--json"):
            path = named[option]
            if path:
                files.reserve(path, self.overwrite, option)
        if self.tensorboard:
            from dnncli.report import tensorboard

            tensorboard.check(self.tensorboard)

    def keep(self, command: str, options: Mapping[str, Any]) -> None:
        """Write the options that give this run again, where that is asked for."""
        if self.save_config:
            config.save(self.save_config, command, options)

    def log(self, name: str) -> "Log | None":
        """A new TensorBoard log of that name."""
        if not self.tensorboard:
            return None
        from dnncli.report import tensorboard

        return tensorboard.Log(self.tensorboard, name)

    def draw(self, build: Callable[[], Any]) -> None:
        """Build the picture and write it."""
        if self.plot:
            from dnncli.report.figures import canvas

            with stage(f"drawing {files.shown(self.plot)}"):
                canvas.save(build(), self.plot, command_line())

    def film(self, build: Callable[[], Any]) -> None:
        """Build the film and write it."""
        if self.animate:
            from dnncli.report.figures import animation

            with stage(f"filming {files.shown(self.animate)}"):
                animation.save(build(), self.animate, command_line())


class PictureFolder:
    """A folder of pictures, one for each part of a command's work."""

    def __init__(self, folder: Path, overwrite: bool) -> None:
        """The folder counts from where the command was called."""
        self.folder = folder.absolute()
        self.overwrite = overwrite

    def check(self, names: Iterable[str]) -> None:
        """Make the folder; fail before the work where a picture could not be drawn after it.

        Raises SpecError for what was asked wrongly, DnncliError for what the system refuses.
        """
        from dnncli.report.figures import canvas

        with files.reported(self.folder, "made"):
            self.folder.mkdir(parents=True, exist_ok=True)
        for path in map(self.path, names):
            canvas.check(path)
            files.reserve(path, self.overwrite, "--plot")

    def path(self, name: str) -> Path:
        """A picture's path."""
        return self.folder / name

    def options(self, path: str) -> list[str]:
        """How another command is told to draw it."""
        overwriting = ["--overwrite"] if self.overwrite else []
        return ["--plot", path, *overwriting]


def _check_distinct(paths: Mapping[str, Path]) -> None:
    for (option, path), (other, another) in combinations(paths.items(), 2):
        if os.path.realpath(path) == os.path.realpath(another):
            raise SpecError(
                f"{option} and {other} are the same file, {files.shown(path)}.", option=option
            )


def command_line() -> str:
    """The running command as a shell would take it again."""
    return shlex.join(click.get_current_context().meta.get(COMMAND_LINE, ("dnncli",)))
