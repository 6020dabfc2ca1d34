"""`dnncli schema`."""

import json

import click

from dnncli.cli.command import define
from dnncli.report import schema

EXAMPLES = """
  dnncli schema train > train.schema.json
  dnncli schema data-show | jq '.properties | keys'
"""


@define("schema", EXAMPLES)
@click.argument("command", metavar="COMMAND", type=click.Choice([*schema.RESULTS, "predict"]))
def command(command: str) -> None:
    """Print the JSON Schema of a command's `--format json`.

    COMMAND is train, eval, predict, …; of data it is data-list, data-show, data-fetch
    or data-clear.
    It is made from the same types as the results. Keys only get added: a later result of the same
    `schema` number is valid too.
    """
    click.echo(json.dumps(schema.of_command(command), indent=2))
