"""Pages as HTML, by Jinja's templates: every text is escaped there unless it is the page's own."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dnncli import __version__
from dnncli.report.page.blocks import Page


def html(page: Page) -> str:
    """The whole page in one text, that asks for nothing else: no file, no script, no network."""
    return _environment().get_template("page.html").render(page=page, version=__version__)


@cache
def _environment() -> Environment:
    """Templates of this folder; a name that is misspelt in one is an error."""
    environment = Environment(
        loader=PackageLoader("dnncli.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = files("dnncli.report.page.templates").joinpath("style.css").read_text("utf-8")
    environment.globals["style"] = Markup(style)  # our own file, in which nothing is filled
    return environment
