"""`dnncli completion`."""

import click

from dnncli.cli import completion
from dnncli.cli.command import define

EXAMPLES = """
  dnncli completion bash > ~/.local/share/bash-completion/completions/dnncli
  dnncli completion zsh > ~/.zfunc/_dnncli       # a folder in $fpath
  dnncli completion fish > ~/.config/fish/completions/dnncli.fish
"""


@define("completion", EXAMPLES)
@click.argument("shell", type=click.Choice(completion.SHELLS))
def command(shell: str) -> None:
    """Print the script with which a shell completes dnncli's command lines.

    A wheel brings these scripts too, below share/ of the environment it is installed in, where the
    shells find them if that is /usr or /usr/local.
    """
    program = click.get_current_context().find_root().command
    click.echo(completion.script(program, shell), nl=False)
