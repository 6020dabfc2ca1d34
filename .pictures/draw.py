"""Draw the README's picture: a real run of `dnncli vanishing-demo`, exported by Rich. Run by hand."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from dnncli import data
from dnncli.experiments.vanishing import run as vanishing
from dnncli.experiments.vanishing.result import result
from dnncli.report import vanishing as report
from dnncli.spec import DataSpec
from dnncli.spec import vanishing as cases
from dnncli.training import compilation_cache

compilation_cache.enable()
dataset = data.load(DataSpec(scale="standard"))
demo = vanishing.VanishingSpec(cases.parse_all(cases.DEFAULT))
records = tuple(vanishing.run(demo, dataset))
console = Console(
    record=True, width=92, file=io.StringIO(), force_terminal=True, color_system="truecolor"
)
console.print(Text("$ dnncli vanishing-demo", style="bold"))
for renderable in report.report(result({}, dataset, records)):
    console.print(renderable)
target = Path(__file__).parent / "vanishing-demo.svg"
console.save_svg(str(target), title="dnncli")
# Rich names a font on a server; every viewer has a monospaced one of its own.
drawing = re.sub(r"@font-face \{.*?\}\n", "", target.read_text(), flags=re.DOTALL)
target.write_text("\n".join(line.rstrip() for line in drawing.splitlines()) + "\n")
