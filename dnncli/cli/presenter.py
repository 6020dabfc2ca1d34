"""A command's result in the format that was asked for: tables, JSON, JSON lines or CSV.

Names from files are escaped here, before any table is built from them; JSON and CSV get them as
they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dnncli.cli import command, signals, streams, terminal
from dnncli.errors import ExitCode
from dnncli.report import merit, notices, structured
from dnncli.report.escaping import escaped_strings
from dnncli.storage import files, memory

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dnncli.data.blocks.store import Watch, Writing
    from dnncli.records import DataRecord, Finding, Notice

PARTS = {  # of checkpoints, by the beginnings of their tensors' names
    "last": "the last epoch's network",
    "optimizer": "the optimizer's state",
    "records": "the history",
    "start": "what it began with",
}
Event = TypeVar("Event")
Row = Sequence[object]


def meta() -> dict[str, Any]:
    """What the running command's context keeps; nothing where no command runs."""
    context = click.get_current_context(silent=True)
    return {} if context is None else context.meta


class Storing:
    """The encoding of examples on the disk, on the screen: nothing until it begins."""

    def __init__(self, presenter: "Presenter", stack: ExitStack) -> None:
        """stack: what the bar is closed with."""
        self._presenter = presenter
        self._stack = stack
        self._bar: terminal.Bar | None = None
        self._waiting = False

    def tell(self, step: "Writing") -> None:
        """Say how far it is."""
        if step.waiting:
            if not self._waiting:
                self._presenter.notice("another process encodes these examples: waiting for it.")
            self._waiting = True
            return
        if self._bar is None:
            self._presenter.notice(
                f"{step.rows:,} rows take {memory.shown(step.bytes)}, more than --memory,"
                f" {memory.shown(step.memory)}: encoding them in {step.folder}."
            )
            bar = self._presenter.progress("encoding, rows", step.rows)
            self._bar = self._stack.enter_context(bar)
        self._bar.reach(step.done)


class Presenter:
    """One command's output: its start, events and end go to stdout, the rest to stderr."""

    def __init__(
        self, command: str, format_: str, quiet: bool, json_file: Path | None = None
    ) -> None:
        """command: as it is typed. format_: one of the catalog's. quiet: only errors on stderr.

        json_file: where the result is written as JSON too; it counts from where the command was
        called.
        """
        self.command = command
        self._json_file = json_file and json_file.absolute()
        self.format = format_
        self.screen = terminal.Screen(format_, quiet)
        self._regression = False

    def show(
        self, build: Callable[..., Iterable["RenderableType"]], *records: Any, **more: Any
    ) -> None:
        """Print what `build` makes of records, in the table format only."""
        if self.format == "table":
            shown = [escaped_strings(record) for record in records]
            self.screen.show(*build(*shown, **more))

    def line(self, build: Callable[..., "RenderableType"], *records: Any) -> None:
        """Print the one line that `build` makes of records, in the table format only."""
        self.show(lambda *shown: [build(*shown)], *records)

    def space(self) -> None:
        """Print an empty line, in the table format only."""
        self.screen.show("")

    def mute(self) -> None:
        """Leave the word to another process: nothing is printed or written any more."""
        streams.discard()
        self.screen.quiet = True
        self.screen.muted = True
        self._json_file = None

    def about(self, data: "DataRecord") -> None:
        """What the result is of: a regression's has R² where others have accuracies."""
        self._regression = bool(data.targets)

    def _written(self, document: dict[str, Any]) -> str:
        """A line of JSON."""
        if self._regression:
            document = merit.own_words(document)
        return structured.dumps(document)

    def start(self, head: Mapping[str, Any]) -> None:
        """Open a stream of JSON lines with what is about to be done."""
        if self.format == "jsonl":
            document = structured.document(self.command, {"event": "start", **head})
            self.screen.write(self._written(document))

    def event(self, kind: str, record: Any, **head: Any) -> None:
        """Add a record to a stream of JSON lines; `head` says what it belongs to."""
        if self.format == "jsonl":
            self.screen.write(self._written({**head, **structured.event(kind, record)}))

    def end(self, record: Any, rows: Sequence[Row], streamed: Sequence[str] | None = None) -> None:
        """Print the result for programs, the record as JSON or the main table as CSV; keep it.

        streamed: fields of the record that a stream of JSON lines has brought before; None: the
        command has no stream, and its one line of JSON is the same in both formats.
        """
        meta()[command.RESULT] = record
        if self._json_file:
            # First: whoever reads stdout may have closed it.
            whole = self._written(structured.document(self.command, record))
            files.write(self._json_file, f"{whole}\n".encode())
        if self.format == "csv":
            own = merit.own_rows(rows) if self._regression else rows
            self.screen.write(structured.csv_lines(own))
        elif self.format in ("json", "jsonl"):
            document = structured.document(self.command, record)
            if self.format == "jsonl" and streamed is not None:
                rest = {key: value for key, value in document.items() if key not in streamed}
                document = {"event": "end", **rest}
            self.screen.write(self._written(document))

    def notice(self, message: str) -> None:
        """Say something beside the result."""
        self.screen.notice(f"dnncli {self.command}: {message}")

    def lost(self, path: Path, parts: Sequence[str]) -> None:
        """Say which parts of a damaged checkpoint are missing, if any."""
        if parts:
            known = ", ".join(PARTS.get(part, part) for part in parts)
            self.notice(f"{path} is damaged and has lost {known}; its network is whole.")

    def prepare_jax(self) -> None:
        """Keep compiled programs on disk; say so where others could have put some there.

        Raises DnncliError where the process may not have the memory that JAX begins with.
        """
        from dnncli.training import compilation_cache, memory

        memory.check_room()
        if reason := compilation_cache.enable():
            self.notice(reason)

    def notices(self, found: Iterable["Notice"]) -> None:
        """Say what was found in the data."""
        for sentence in notices.sentences(found):
            self.notice(f"{sentence}.")

    def error(self, message: str) -> None:
        """Say in one line on stderr why the exit code will not be 0."""
        self.screen.error(f"dnncli {self.command}: {message}")

    def diverged(self, finding: "Finding") -> ExitCode:
        """Say what went non-finite, and what to do."""
        self.error(f"diverged in {finding.layer}: {finding.evidence}; {finding.advice}.")
        return ExitCode.DIVERGED

    def stopped(self, number: int, how_to_go_on: str) -> ExitCode:
        """Say how to go on after a signal; a command inside another one leaves that to it."""
        if not meta().get(command.INSIDE):
            self.notice(f"stopped; {how_to_go_on}")
        return signals.CODES[number]

    def progress(
        self, what: str, total: int, done: int = 0
    ) -> AbstractContextManager["terminal.Bar"]:
        """A bar where stderr is a terminal; printing goes on above it."""
        return self.screen.progress(what, total, done)

    @contextmanager
    def storing(self) -> Iterator["Watch"]:
        """What is told of examples that are written to the disk: a line, and a bar."""
        with ExitStack() as stack:
            yield Storing(self, stack).tell

    def follow(
        self,
        events: Iterator[Event],
        take: Callable[[Event, "terminal.Bar"], None],
        total: int,
        done: int = 0,
        agree: Callable[[int], int] | None = None,
    ) -> int | None:
        """Take events as they happen, under a bar; returns the number of a signal that ended them.

        An event is taken whole before a signal is answered. agree: asks other processes after each
        event which signal to answer, given this one's own (0: none); all answer the same then.
        """
        try:
            with signals.interruptible() as stop, self.progress("compiling", total, done) as bar:
                if agree:
                    _take_together(events, take, bar, stop, agree)
                for event in events:
                    with stop.held():
                        take(event, bar)
        except signals.Interrupted as interruption:
            return interruption.number
        return None


def _take_together(
    events: Iterator[Event],
    take: Callable[[Event, "terminal.Bar"], None],
    bar: "terminal.Bar",
    stop: signals.Signals,
    agree: Callable[[int], int],
) -> None:
    """Take all events; raise Interrupted after the one at which the processes agree to stop."""
    with stop.held():
        for event in events:
            take(event, bar)
            number = agree(stop.caught)
            if number:
                raise signals.Interrupted(number)
