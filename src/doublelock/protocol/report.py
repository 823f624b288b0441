"""The readable side of evidence: a page and lines for eyes, made from verified content alone.

Whatever a message holds is shown as text and never as markup; its exact bytes stand beside it in
base64. The same content gives the same bytes, so that anyone can make the page again and compare.
"""

import base64
import html
from typing import Final

from doublelock.protocol.days import date_of, iso_time
from doublelock.protocol.documents import Document, encode
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.package import PackageMessage, VerifiedContent
from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    Details,
    Edit,
    MembershipNotice,
    Reaction,
    Reply,
    Text,
    Timer,
    display,
)

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#59636e;--line:#d1d9e0;\
--mark:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9198a1;--line:#3d444d;\
--mark:#161b22}}
body{font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;\
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft)}
th,td{border:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top}
thead th{background:var(--mark)}td.said{white-space:pre-wrap;overflow-wrap:anywhere}
code{font-size:.85em;overflow-wrap:anywhere}details summary{cursor:pointer;color:var(--soft)}
"""


class _Readable(Document, frozen=True):
    time: str
    conversation: str
    sequence: int
    sender: str
    account: str
    device: str
    kind: str
    text: str
    base64: str
    attachment: str | None


def readable_line(content: VerifiedContent, one: PackageMessage) -> bytes:
    """Return one message as a JSON line for eyes and spreadsheets, exact bytes in `base64`."""
    message = one.message
    kind, words, exact = _describe(message.body.record)
    return encode(
        _Readable(
            time=iso_time(message.time_ms),
            conversation=message.label.conversation.hex(),
            sequence=message.sequence,
            sender=_name(content, message.label.account),
            account=message.label.account.hex(),
            device=message.body.header.device.hex(),
            kind=kind,
            text=words,
            base64=base64.b64encode(exact).decode("ascii"),
            attachment=one.attachment,
        )
    )


def render_report(content: VerifiedContent) -> bytes:
    """Return the report as one HTML page: no script, nothing loaded, light and dark (UTF-8)."""
    terms, warrant = content.warrant.terms, content.warrant
    facts = [
        ("Deployment", warrant.deployment.hex()),
        ("Warrant", warrant.commitment.hex()),
        ("Reference", terms.reference),
        ("Agency", terms.agency),
        ("Offence", terms.offence),
        ("Legal basis", terms.legal_basis),
        ("In force", f"{iso_time(terms.valid_from_ms)} to {iso_time(terms.valid_until_ms)}"),
        ("Approved by", ", ".join(_approvers(content))),
        ("Requests", ", ".join(request.signed.hash.hex() for request in content.requests)),
    ]
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Evidence: {_text(terms.reference)}</title><style>{_STYLE}</style></head>",
        "<body><main>",
        f"<h1>Evidence under warrant {_text(terms.reference)}</h1><dl>",
        *(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in facts),
        "</dl><h2>What was checked</h2><ol>",
        *(f"<li>{_text(check)}</li>" for check in content.checks),
        "</ol><h2>What the warrant names</h2><ul>",
        *(f"<li>{_text(line)}</li>" for line in describe_scope(content)),
        "</ul><h2>Messages</h2>",
        f"<table><caption>{len(content.messages)} messages, by conversation and place.</caption>",
        '<thead><tr><th scope="col">Time (UTC)</th><th scope="col">Place</th>'
        '<th scope="col">Sender</th><th scope="col">What was sent</th></tr></thead><tbody>',
        *(_row(content, one) for one in content.messages),
        "</tbody></table>",
        *_unreadable(content),
        "</main></body></html>\n",
    ]
    return "".join(parts).encode()


def _unreadable(content: VerifiedContent) -> list[str]:
    """Say of what does not open where it stands; whose it is, is the server's word alone."""
    if not content.unreadable:
        return []
    rows = (
        f"<tr><td>{iso_time(one.time_ms)}</td>"
        f"<td>{one.label.conversation.hex()[:8]}… {one.sequence}</td>"
        f"<td>{_text(_name(content, one.label.account))}</td><td>{one.code.value}</td></tr>"
        for one in content.unreadable
    )
    return [
        "<h2>Messages that do not open</h2><table>",
        "<caption>Who sent them is the server's word: no device's signature was found.</caption>",
        '<thead><tr><th scope="col">Time (UTC)</th><th scope="col">Place</th>'
        '<th scope="col">Sender</th><th scope="col">What is wrong</th></tr></thead><tbody>',
        *rows,
        "</tbody></table>",
    ]


def describe_scope(content: VerifiedContent) -> list[str]:
    """Return what a warrant names, one plain sentence an item."""
    return [
        describe_item_words(
            [_name(content, AccountId(bytes(one))) for one in item.senders],
            [one.hex()[:16] for one in item.conversations],
            item.first_day,
            item.last_day,
            [_name(content, AccountId(bytes(one))) for one in item.without_senders],
            [one.hex()[:16] for one in item.without_conversations],
        )
        for item in content.warrant.terms.scope
    ]


def describe_item_words(
    senders: list[str],
    conversations: list[str],
    first_day: int,
    last_day: int,
    without_senders: list[str],
    without_conversations: list[str],
) -> str:
    """Return one scope item as a sentence, what it leaves out included."""
    who = ", ".join(senders) if senders else "whoever wrote there"
    where = f"in {', '.join(conversations)}" if conversations else "in every conversation"
    days = f"on {date_of(first_day)}"
    if last_day != first_day:
        days = f"from {date_of(first_day)} to {date_of(last_day)}"
    but = f", but not of {', '.join(without_senders)}" if without_senders else ""
    but += f", but not in {', '.join(without_conversations)}" if without_conversations else ""
    return f"Messages sent by {who}, {where}, {days}{but}."


def _approvers(content: VerifiedContent) -> list[str]:
    found = []
    for approval in content.warrant.approvals:
        party = content.charter.party(approval.key)
        if party is not None:
            found.append(f"{party.name} ({approval.role.value})")
    return found


def _row(content: VerifiedContent, one: PackageMessage) -> str:
    message = one.message
    kind, words, exact = _describe(message.body.record)
    place = f"{message.label.conversation.hex()[:8]}… {message.sequence}"
    about = "" if kind == "text" else f"<em>{_text(kind)}</em> "
    link = f"<br>Attachment: <code>{_text(one.attachment)}</code>" if one.attachment else ""
    raw = base64.b64encode(exact).decode("ascii")
    return (
        f'<tr><td><time datetime="{iso_time(message.time_ms)}">{iso_time(message.time_ms)}</time>'
        f"</td><td>{place}</td><td>{_text(_name(content, message.label.account))}</td>"
        f'<td class="said">{about}<bdi>{_text(words)}</bdi>{link}'
        f"<details><summary>Exact bytes</summary><code>{raw}</code></details></td></tr>"
    )


def _name(content: VerifiedContent, account: AccountId) -> str:
    return content.handles.get(bytes(account), f"account {account.hex()[:16]}")


def _describe(record: AnyRecord) -> tuple[str, str, bytes]:
    """Return a record's kind, its words and the bytes that were written."""
    match record:
        case Text(content):
            return "text", display(content), content
        case Reply(target, content):
            return f"reply to {target.hex()}", display(content), content
        case Edit(target, content):
            return f"edit of {target.hex()}", display(content), content
        case Delete(target):
            return f"delete of {target.hex()}", "", b""
        case Reaction(target, mark):
            return f"reaction to {target.hex()}", display(mark), mark
        case Attachment():  # a Media is one
            words = f"{display(record.name)} ({display(record.media_type)}, {record.size} bytes)"
            if record.caption:
                words += f"\n{display(record.caption)}"
            return "attachment", words, record.caption
        case Details(name, picture):
            words = display(name) + (f"\nwith a picture, {len(picture)} bytes" if picture else "")
            return "conversation's name", words, name
        case Timer(seconds):
            return "timer", f"{seconds} seconds", b""
        case MembershipNotice(change, account):
            verb = {1: "added", 2: "removed", 3: "left"}[change]
            return "membership", f"{verb} {account.hex()}", b""
        case _:
            return "other", "", b""


def _text(text: str) -> str:
    """Return text for HTML: markup escaped, controls shown by `record.display`'s one rule."""
    return html.escape(display(text.encode("utf-8", "replace")))
