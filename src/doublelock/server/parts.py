"""The parts of a running server, handed to its routes; made in `app`, decides nothing."""

from dataclasses import dataclass

from doublelock.protocol.identifiers import DeploymentId
from doublelock.server.blobs import Blobs
from doublelock.server.charters import CharterChain
from doublelock.server.config import ServerConfig
from doublelock.server.conversations import Conversations
from doublelock.server.delivery import Delivery
from doublelock.server.fanout import Fanout
from doublelock.server.identities import Identities
from doublelock.server.last_use import LastUse
from doublelock.server.mailboxes import Mailboxes
from doublelock.server.ordering import Ordering
from doublelock.server.pushes import Pushes
from doublelock.server.routes.exchange import Gate
from doublelock.server.sessions import Sessions
from doublelock.server.sweeper import Sweeper
from doublelock.store.interface import Store


@dataclass(slots=True)
class Parts:
    """Every part by name; `http` and `stream` are the addresses that the server announces."""

    config: ServerConfig
    deployment: DeploymentId
    charter: CharterChain
    store: Store
    sessions: Sessions
    gate: Gate
    identities: Identities
    conversations: Conversations
    delivery: Delivery
    fanout: Fanout
    ordering: Ordering
    blobs: Blobs
    sweeper: Sweeper
    pushes: Pushes
    mailboxes: Mailboxes
    last_use: LastUse
    http: str = ""
    stream: str = ""
