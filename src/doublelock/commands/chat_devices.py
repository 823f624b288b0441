"""`doublelock chat`: several devices of one account."""

import hmac

import click

from doublelock.client.client import Client
from doublelock.client.invite import PinnedAddress, decode_address
from doublelock.client.linking import Linking
from doublelock.commands import chat_view, terminal
from doublelock.commands.chat_session import (
    Setting,
    connected,
    read_line,
    reading,
    session_options,
)
from doublelock.keep import Unlocking
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused
from doublelock.protocol.identifiers import DeviceId
from doublelock.protocol.link_request import LinkRequest, decode_link_request

_PATIENCE_S = 600.0
_LOOK_S = 5.0
_BRING_S = 120.0
_HISTORY_S = 20.0


@click.command()
@click.argument("address", required=False)
@click.option("--as", "handle", metavar="HANDLE", help="Your handle.")
@click.option("--finish", is_flag=True, help="Go on with a device that was begun before.")
@click.option("--no-wait", is_flag=True, help="Print the request and end; --finish goes on.")
@session_options
def link(
    address: str | None, handle: str | None, finish: bool, no_wait: bool, setting: Setting
) -> None:
    """Make this a further device of your account; run it on the new device.

    ADDRESS is what `doublelock chat whoami` prints on a device that you have. This makes a key and
    prints a request, one line that is no secret. Give it to `doublelock chat approve` there, and
    see that both show the same code. A new device reads what comes from then on, and what the
    other one gives it of before.

    \b
    Examples:
      doublelock chat link https://chat.example/#5c1d... --as ann
      doublelock chat link --finish
    """
    if finish:
        if address is not None or handle is not None:
            terminal.fail("--finish goes on with what was begun: without ADDRESS and --as.")
        terminal.run(_link(setting, setting.unlock(), None, "", wait=not no_wait))
        return
    if address is None or handle is None:
        terminal.fail("Give ADDRESS and --as HANDLE, or --finish.")
    with reading("no address: it is what `doublelock chat whoami` shows on a device of yours"):
        home = decode_address(address)
    unlocking = setting.unlock_or_make()
    terminal.run(_link(setting, unlocking, home, handle.removeprefix("@"), wait=not no_wait))


async def _link(
    setting: Setting, unlocking: Unlocking, home: PinnedAddress | None, handle: str, *, wait: bool
) -> None:
    if home is None:
        linking = await Linking.resume(setting.state, unlocking, clock=setting.clock)
    else:
        linking = await Linking.begin(setting.state, unlocking, home, handle, clock=setting.clock)
    try:
        if linking.request is not None:
            _show_request(linking.request, wait=wait)
            if not wait:
                await linking.close()
                return
            await _until_listed(linking)
    except BaseException:
        await linking.close()
        raise
    client = await Client.link(linking, clock=setting.clock)
    try:
        await client.connect()
        await client.settled()
        with terminal.working("waiting for the history from the other device"):
            taken = await client.took_history(_HISTORY_S)
        said = f"This is now a device of {client.handle}: {chat_view.device_text(client.device)}. "
        said += "The other device brings it into your conversations."
        if taken:
            said += f" {taken} messages of before came from there, by its word."
        terminal.answer(
            {"handle": client.handle, "device": client.device.hex(), "taken": taken}, said
        )
    finally:
        await client.close()


def _show_request(request: LinkRequest, *, wait: bool) -> None:
    if terminal.wants_json():
        terminal.answer({"request": request.text(), "code": request.code}, "")
        return
    click.echo(f"Request: {request.text()}")
    click.echo(f"Code:    {request.code}")
    terminal.note(
        "On a device that you have: doublelock chat approve REQUEST, and compare the code."
    )
    if wait:
        terminal.note("Waiting; Ctrl-C leaves, and `doublelock chat link --finish` goes on.")


async def _until_listed(linking: Linking) -> None:
    """Wait for the approval. Raises KeyLogRefused(device-pending, entry-order)."""
    request, waited = linking.request, 0.0
    while waited < _PATIENCE_S:
        waited += _LOOK_S
        try:
            await linking.listed(_LOOK_S)
        except KeyLogRefused as refusal:
            if refusal.code is not Code.DEVICE_PENDING:
                raise
        else:
            return
        now = linking.monitor.key_log.account(linking.account)
        if request is not None and now.index != request.previous:
            raise KeyLogRefused(Code.ENTRY_ORDER, "the account has changed; run this again")
    raise KeyLogRefused(Code.DEVICE_PENDING)


@click.command()
@click.argument("request", default="-")
@click.option(
    "--code", metavar="CODE", help="The code that the new device shows; else it is asked."
)
@click.option(
    "--history/--no-history", default=True, help="Give it what this device has shown, encrypted."
)
@session_options
def approve(request: str, code: str | None, history: bool, setting: Setting) -> None:
    """Approve a new device of yours by its REQUEST (`-`: on stdin), and bring it in.

    Look at the new device while you do this. Where it shows another code, the request is not its
    own, and whoever made it would read your messages: approve nothing.

    \b
    Examples:
      doublelock chat approve doublelock-link:AV4s...
      doublelock chat approve - --code "12345 67890 12345 67890" < request.txt
    """
    with reading("no whole request: it is one line, from doublelock-link: to its end"):
        asked = decode_link_request(read_line(request))
    if code is None:
        if terminal.wants_json():
            terminal.fail("With --json, give the code that the new device shows: --code CODE.")
        click.echo(f"Code: {asked.code}", err=True)
        click.confirm("Does the new device show this code?", abort=True, err=True)
    elif not _same(code, asked.code):
        raise KeyLogRefused(Code.DEVICE_UNCONFIRMED)
    terminal.run(_approve(setting, setting.unlock(), asked, history=history))


def _same(typed: str, code: str) -> bool:
    plain = "".join(typed.split()).encode()
    return hmac.compare_digest(plain, "".join(code.split()).encode())


async def _approve(
    setting: Setting, unlocking: Unlocking, asked: LinkRequest, *, history: bool
) -> None:
    async with connected(setting, unlocking) as chat:
        client = chat.client
        await client.devices.approve(asked, history=history)
        terminal.note(f"Listed: device {chat_view.device_text(asked.device)}. Bringing it in.")
        with terminal.working("waiting for the new device (doublelock chat link --finish)"):
            missing = await client.devices.bring_everywhere(asked.device, _BRING_S)
            handed = await client.devices.handed(asked.device, 0 if missing else _BRING_S)
        places = client.conversations()
        said = f"Device {chat_view.device_text(asked.device)} is in {len(places) - len(missing)} "
        said += f"of your {len(places)} conversations."
        if missing:
            said += " It was not online in time; your next connection goes on with it."
        elif history and handed:
            said += " It has been given your history, encrypted."
        terminal.answer(
            {
                "device": asked.device.hex(),
                "conversations": [one.hex() for one in places if one not in missing],
                "missing": [one.hex() for one in missing],
                "handed_over": history and handed,
            },
            said,
        )


@click.command()
@session_options
def devices(setting: Setting) -> None:
    """List the devices of your account, since when, and which device approved each one.

    Having looked ends the alarms about them on this device.

    \b
    Example:
      doublelock chat devices
    """
    terminal.run(_devices(setting, setting.unlock()))


async def _devices(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as chat:
        for one in chat.client.devices.listed():
            record = one.record
            since = chat_view.clock_text(record.added_ms)
            author = one.author
            by = "registered with an invite"
            if author is not None:
                by = f"approved by {chat_view.device_text(author)}"
            called = chat.client.devices.name_of(record.device)
            words = [*([called] if called else []), f"since {since}", by]
            if record.removed_ms is not None:
                words.append(f"revoked {chat_view.clock_text(record.removed_ms)}")
            if one.own:
                words.append("this device")
            terminal.answer(
                {
                    "device": record.device.hex(),
                    "name": called or None,
                    "added_ms": record.added_ms,
                    "removed_ms": record.removed_ms,
                    "author": None if author is None else author.hex(),
                    "this": one.own,
                },
                f"{chat_view.device_text(record.device)}  {', '.join(words)}",
            )
        chat.client.pending_events()  # the list has just said it better than an alarm
        chat.client.devices.acknowledge()


@click.command()
@click.argument("device")
@session_options
def revoke(device: str, setting: Setting) -> None:
    """End another DEVICE of your account: a lost one, or one that you did not add.

    Name it by the start of its id (`doublelock chat devices`). From then on the service gives it
    nothing and your groups' keys change; what it has read it keeps.

    \b
    Example:
      doublelock chat revoke 8c02d1ff
    """
    terminal.run(_revoke(setting, setting.unlock(), device.lower()))


async def _revoke(setting: Setting, unlocking: Unlocking, start: str) -> None:
    async with connected(setting, unlocking) as chat:
        client = chat.client
        current = client.monitor.key_log.account(client.account).devices
        found: list[DeviceId] = [one for one in current if one.hex().startswith(start)]
        if len(found) > 1:
            terminal.fail("Several devices fit; give more of the id.")
        if not found or not start:
            raise KeyLogRefused(Code.NOT_FOUND, f"device {start}: see `doublelock chat devices`")
        await client.devices.revoke(found[0])
        terminal.answer(
            {"device": found[0].hex()},
            f"Device {chat_view.device_text(found[0])} is revoked and out of "
            f"{len(client.conversations())} conversations.",
        )


COMMANDS = (link, approve, devices, revoke)
"""The commands of this module, in the order of the help."""
