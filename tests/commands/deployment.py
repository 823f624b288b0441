"""A deployment founded and run by the command line alone, every part a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner

from doublelock.cli import main
from doublelock.client.client import Client
from doublelock.client.invite import decode_invite
from doublelock.demo.chatting import joined
from doublelock.holder.watch import LawWatch
from doublelock.keep import make_key_file
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import verify_genesis
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

PARTIES = {
    "custodian-1": ("custodian", "Bar association"),
    "custodian-2": ("custodian", "University"),
    "court": ("court", "District court"),
    "agency": ("agency", "Prosecutor"),
    "minister": ("minister", "Minister of Justice"),
    "judge": ("judge", "Investigating judge"),
}
PATIENCE_S = 30.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Daemon:
    """A long-running command; its lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        assert process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.append(line)

    def first(self) -> dict[str, Any]:
        """Return the first line's JSON: where the daemon listens."""
        wait_for(lambda: bool(self.lines) or self.process.poll() is not None)
        assert self.lines, self.process.communicate()[1]
        found: dict[str, Any] = json.loads(self.lines[0])
        return found

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


def wait_for(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.2)


class Deployment:
    """Folders below one, the daemons that run on them, and the people who talk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: dict[str, Daemon] = {}
        self.deployment = ""
        self.address = ""
        self.conversation = ConversationId(bytes(32))

    # --- commands --------------------------------------------------------------------------

    def place(self, who: str) -> list[str]:
        return ["--state", str(self.folder / who), "--key-file", str(self.folder / f"{who}.key")]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "doublelock.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"{arguments}: {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return out if code == 0 else err

    def call(self, *arguments: str, code: int = 0) -> str:
        """Run a command in this process: as `run`, without a Python's start."""
        with contextlib.chdir(self.folder):
            result = CliRunner().invoke(main, list(arguments), prog_name="doublelock")
        assert result.exit_code == code, f"{arguments}: {result.exit_code}\n{result.output}"
        return result.stdout if code == 0 else result.stderr

    def ask(self, who: str, *arguments: str) -> dict[str, Any]:
        """Run a role's command with --json and return its one answer."""
        role = PARTIES[who][0] if who in PARTIES else "serve"
        found: dict[str, Any] = json.loads(self.call(role, *arguments, *self.place(who), "--json"))
        return found

    def refused(self, who: str, *arguments: str) -> str:
        """Run a role's command that must be refused, and return the refusal's code."""
        role = PARTIES[who][0] if who in PARTIES else "serve"
        err = self.call(role, *arguments, *self.place(who), "--json", code=1)
        return str(json.loads(err.strip().splitlines()[-1])["code"])

    # --- from nothing to a running deployment ----------------------------------------------

    def found(self) -> None:
        witness = json.loads(
            self.run("witness", "init", "w1.example/witness", *self.place("witness"))
        )
        lines = [
            json.loads(self.call(role, "init", name, *self.place(who)))
            for who, (role, name) in PARTIES.items()
        ]
        plan = json.loads(self.call("serve", "example"))
        plan |= {"quorum": 1, "witnesses": [witness]}
        committee = plan["committees"][0]
        assert [set(line) for line in lines] == [set(committee["parties"][0])] * len(lines)
        committee |= {"parties": lines, "threshold": 2}
        (self.folder / "parties.json").write_text(json.dumps(plan))
        answer = self.ask("server", "found", "parties.json")
        self.deployment = answer["deployment"]
        self._start_witness(answer["charter"])
        self.start_server()
        where = ["--address", self.address, "--deployment", self.deployment]
        for who in PARTIES:
            assert self.ask(who, "join", *where)["party"] == PARTIES[who][1]
        for who in ("custodian-1", "custodian-2", "court"):
            self.start_holder(who)

    def _start_witness(self, charter: str) -> None:
        arguments = ["witness", "run", "--charter", charter, "--port", "0", "--json"]
        self.daemons["witness"] = Daemon(self.start(*arguments, *self.place("witness")))

    def start_server(self) -> None:
        witness = self.daemons["witness"].first()["http"]
        ports = ["--http-port", "0", "--stream-port", "0"]
        arguments = ["serve", "run", *ports, "--witness", witness, "--json"]
        self.daemons["server"] = Daemon(self.start(*arguments, *self.place("server")))
        self.address = self.daemons["server"].first()["http"]

    def start_holder(self, who: str) -> None:
        role = PARTIES[who][0]
        self.daemons[who] = Daemon(self.start(role, "run", *self.place(who), "--json"))

    def wait_for_keys(self) -> None:
        """Wait until every holder has the share of this month and of three ahead."""
        for who in ("custodian-1", "custodian-2", "court"):
            daemon = self.daemons[who]
            wait_for(lambda daemon=daemon: _months(daemon) == 4)  # type: ignore[misc]

    def law(self) -> LawState:
        """Return the law log as the witnesses have seen it, read without the command line."""
        return asyncio.run(self._law())

    async def _law(self) -> LawState:
        async with HttpClient(self.address) as http:
            charters = await http.ask("GET", "/v1/charters", None, Charters, anyone=True)
            deployment = DeploymentId(bytes.fromhex(self.deployment))
            genesis = verify_genesis(charters.documents[0], deployment)
            return await LawWatch(http, genesis, None).update()

    def stands(self, case: str) -> str:
        """Return a case's state by the law log, or nothing."""
        record = self.law().warrants.get(bytes.fromhex(case))
        return "" if record is None else record.status(now_ms()).value

    def stop(self) -> dict[str, int]:
        order = ["custodian-1", "custodian-2", "court", "server", "witness"]
        return {who: self.daemons.pop(who).stop() for who in order if who in self.daemons}

    # --- people ----------------------------------------------------------------------------

    def chat(self, sayings: Sequence[tuple[str, bytes]]) -> None:
        """Have everybody register, meet in one conversation, and say their piece in order."""
        handles = list(dict.fromkeys(handle for handle, _ in sayings))
        invites = self.run(
            "serve",
            "invite",
            *("--address", self.address, "--count", str(len(handles))),
            *self.place("server"),
        ).splitlines()
        asyncio.run(self._chat(handles, invites, sayings))

    async def _chat(
        self, handles: list[str], invites: list[str], sayings: Sequence[tuple[str, bytes]]
    ) -> None:
        people: dict[str, Client] = {}
        try:
            for handle, invite in zip(handles, invites, strict=True):
                folder = self.folder / "people" / handle
                key = make_key_file(self.folder / f"{handle}.key")
                client = await Client.register(
                    folder, key, decode_invite(invite), handle, clock=now_ms, packages=2
                )
                people[handle] = client
                await client.connect()
            first, *others = handles
            self.conversation = await people[first].create_conversation(others)
            for handle in others:
                await joined(people[handle], self.conversation)
            for handle, words in sayings:
                await people[handle].send(self.conversation, Text(words))
        finally:
            for client in people.values():
                await client.close()


def _months(daemon: Daemon) -> int:
    return sum('"kind":"ceremony"' in line and "share is here" in line for line in daemon.lines)
