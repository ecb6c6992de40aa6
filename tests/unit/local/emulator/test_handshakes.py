"""The first words of a TLS handshake wait for it, whichever Python this is."""

import asyncio
import socket
from asyncio import selector_events
from typing import Any

import pytest
from ministack.services import iot

from local.emulator.__main__ import let_handshakes_begin_in_order


def reads_in_any_case(transport: Any, file: int, callback: Any) -> None:
    """What Python 3.11.2 does."""
    if not transport._closing:
        transport._loop._add_reader(file, callback)


@pytest.mark.parametrize("old", [True, False])
def test_a_device_s_first_words_wait_for_the_handshake(old: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iot._MtlsAcceptor, "connection_made", iot._MtlsAcceptor.connection_made)
    if old:
        monkeypatch.setattr(selector_events._SelectorTransport, "_add_reader", reads_in_any_case)
    let_handshakes_begin_in_order()
    taken: list[bytes] = []

    class Acceptor(iot._MtlsAcceptor):  # type: ignore[misc]
        async def _upgrade(self, transport: Any) -> None:
            await asyncio.sleep(0.1)
            taken.append(transport._sock.recv(100, socket.MSG_PEEK))
            transport.abort()

        def data_received(self, data: bytes) -> None:
            taken.append(b"lost: " + data)

    async def connect() -> None:
        server = await asyncio.get_running_loop().create_server(Acceptor, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as device:
            device.send(b"hello")
            await asyncio.sleep(0.3)
        server.close()

    asyncio.run(connect())
    assert taken == [b"hello"]
