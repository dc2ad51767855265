"""`aeromatch completion`: scripts that make a shell complete our commands and options."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class


@click.command(
    epilog="\b\n"
    "bash: aeromatch completion bash > ~/.local/share/bash-completion/completions/aeromatch\n"
    'zsh:  aeromatch completion zsh > "${fpath[1]}/_aeromatch"\n'
    "fish: aeromatch completion fish > ~/.config/fish/completions/aeromatch.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL."""
    complete = get_completion_class(shell)
    if complete is None:
        raise click.ClickException(f"no completion for {shell}")
    script = complete(context.find_root().command, {}, "aeromatch", "_AEROMATCH_COMPLETE")
    # The base class's source(): bash's own one runs bash to look at its version first.
    click.echo(ShellComplete.source(script))
