"""``umt-sim completion``: print what completes its commands in a shell."""

from __future__ import annotations

import click

__all__ = ["command"]

_HOWTO = {
    "bash": 'eval "$(umt-sim completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(umt-sim completion zsh)"  # in ~/.zshrc',
    "fish": "umt-sim completion fish > ~/.config/fish/completions/umt-sim.fish",
}


@click.command(
    "completion",
    short_help="Print what completes umt-sim's commands in your shell.",
    epilog="\b\n" + "\n".join(_HOWTO.values()),
)
@click.argument("shell", type=click.Choice(list(_HOWTO)))
def command(shell: str) -> None:
    """Print the lines that complete the commands, options and files of umt-sim in SHELL."""
    from click.shell_completion import get_completion_class

    from umt_sim.cli.app import app

    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(app, {}, "umt-sim", "_UMT_SIM_COMPLETE").source())
