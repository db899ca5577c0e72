"""A listener that lets in a crowd at once."""

import socket
from contextlib import ExitStack

from lepta.commands.serving import listening
from lepta.commands.workers import DOORS, doors


def test_each_door_of_a_listener_lets_in_whoever_is_next() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(listening("127.0.0.1", 0))
        found = [stack.enter_context(door) for door in doors(listener)]
        assert len({door.fileno() for door in found}) == DOORS
        address = listener.getsockname()
        assert {door.getsockname() for door in found} == {address}
        clients = [stack.enter_context(socket.create_connection(address)) for _ in found]
        let_in = [door.accept() for door in found]
        for inside, _ in let_in:
            stack.enter_context(inside)
        assert [peer for _, peer in let_in] == [client.getsockname() for client in clients]
