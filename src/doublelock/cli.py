"""The command line's root: it names the commands, loads the one asked for, and ends cleanly."""

import signal
import sys
from importlib import import_module
from typing import Any, Final

try:
    import click

    from doublelock import __version__
    from doublelock.commands import terminal
except KeyboardInterrupt:  # who is quicker than our imports gets no traceback either
    sys.exit(130)

_COMMANDS: Final = {
    "chat": ("chat", "Talk: register, conversations, messages, attachments, safety codes."),
    "serve": ("serve", "Found a deployment, run its server, make the first invites."),
    "witness": ("witness", "Cosign the logs, so that nobody can be shown another history."),
    "custodian": ("holders", "Hold one share of the keys and release what a warrant names."),
    "court": ("holders", "Hold the court's key, without which no quorum opens anything."),
    "agency": ("agency", "Apply for a warrant, and open what it names once it is released."),
    "minister": ("approvals", "Read warrants and approve or refuse them, as a minister."),
    "judge": ("approvals", "Read warrants and approve or refuse them, as a judge."),
    "verify": ("verify", "Check an evidence package or the logs; trusts nobody."),
    "demo": ("demo", "The whole story on this machine, from key ceremony to evidence."),
    "replay": ("replay", "Replay an IRC log as chat and open exactly what warrants name."),
}
"""Each command's module under `doublelock.commands` and its line in the help."""


class Commands(click.Group):
    """The root group; a command's module is imported only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"doublelock.commands.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a refusal or an interruption becomes a message and an exit code.

        SIGTERM is an interruption too, from the first import on.
        """
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as problem:
            code = terminal.explain(ctx, problem)
            if code is None:
                raise
            ctx.exit(code)
        finally:
            signal.signal(signal.SIGTERM, before)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="doublelock %(version)s")
def main() -> None:
    """Doublelock: end-to-end encrypted messaging, with a disclosed judge-and-quorum contingency.

    Every role keeps its state in a folder of its own, sealed under a passphrase that is asked for
    at the terminal, or under a key file (--key-file). Every command has --help with examples.

    \b
    Examples:
      doublelock demo                        see everything once, on this machine
      doublelock chat register --help        join a deployment with an invite
      doublelock verify package FILE --help  check evidence offline

    \b
    Exit codes:
      0 done    1 refused    2 wrong usage    3 not reachable    70 fault    130 interrupted
    """


if __name__ == "__main__":
    main(prog_name="doublelock")
