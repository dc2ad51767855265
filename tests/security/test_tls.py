"""TLS: what is shown, what is asked of clients, what is refused, and certificates that change while the server runs."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.security.certificates import authority, needs_openssl, openssl

from aeromatch.server.admission.tls import TlsError, TlsOptions, make_context, reload_context, uvicorn_options
from aeromatch.server.listen import HttpServer

pytestmark = needs_openssl


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the scheme that the request came by."""
    del receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    config = uvicorn.Config(
        hello, port=0, lifespan="off", log_config=None, access_log=False, **uvicorn_options(context)
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def client(root: Path, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=root)
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


async def call(port: int, context: ssl.SSLContext) -> tuple[str, bytes, str]:
    """TLS version, body and the certificate's serial number."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    try:
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        shown = writer.get_extra_info("ssl_object")
        return shown.version(), answer.rpartition(b"\r\n")[2], shown.getpeercert()["serialNumber"]
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()


def test_requests_come_by_https(tmp_path: Path) -> None:
    root = authority(tmp_path / "ca")
    certificate, key = root.sign("server")

    async def test() -> None:
        async with serving(make_context(TlsOptions(certificate, key))) as port:
            version, body, _ = await call(port, client(root.certificate))
            assert (version, body) == ("TLSv1.3", b"https")
            older = client(root.certificate)
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            assert (await call(port, older))[0] == "TLSv1.2"
            # Who does not know the root, or asks for another name, is not fooled.
            with pytest.raises(ssl.SSLCertVerificationError):
                await call(port, ssl.create_default_context())

    asyncio.run(test())


def test_what_is_older_than_tls_1_2_is_refused(tmp_path: Path) -> None:
    root = authority(tmp_path / "ca")
    context = make_context(TlsOptions(*root.sign("server")))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(root.certificate)
    # What the machine's own policy forbids as well is allowed here, so that the server has to refuse it.
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    async def test() -> None:
        async with serving(context) as port:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await call(port, old)

    asyncio.run(test())


def test_clients_can_be_asked_for_certificates(tmp_path: Path) -> None:
    root, other = authority(tmp_path / "ca"), authority(tmp_path / "other")
    known, unknown = root.sign("desk"), other.sign("desk")

    async def test() -> None:
        context = make_context(TlsOptions(*root.sign("server"), client_ca=root.certificate))
        async with serving(context) as port:
            assert (await call(port, client(root.certificate, known)))[1] == b"https"
            for wrong in (client(root.certificate), client(root.certificate, unknown)):
                # In TLS 1.3 a client has done its part before it is refused: it may learn it from an alert, or from the
                # end of the connection.
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    assert (await call(port, wrong))[1] == b""

    asyncio.run(test())


def test_certificates_are_replaced_while_the_server_runs(tmp_path: Path) -> None:
    root = authority(tmp_path / "ca")
    certificate, key = root.sign("server")
    options = TlsOptions(certificate, key)

    async def test() -> None:
        context = make_context(options)
        async with serving(context) as port:
            before = (await call(port, client(root.certificate)))[2]
            root.sign("server")
            reload_context(context, options)
            after = (await call(port, client(root.certificate)))[2]
            assert after != before
            # Half of a pair is refused, and the pair that was there stays.
            other = root.sign("other")
            key.write_bytes(other[1].read_bytes())
            with pytest.raises(TlsError, match="server"):
                reload_context(context, options)
            assert (await call(port, client(root.certificate)))[2] == after

    asyncio.run(test())


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    root = authority(tmp_path / "ca")
    certificate, key = root.sign("server")
    with pytest.raises(TlsError, match=r"absent\.pem: No such file"):
        make_context(TlsOptions(tmp_path / "absent.pem"))
    with pytest.raises(TlsError, match=r"roots\.pem: No such file"):
        make_context(TlsOptions(certificate, key, client_ca=tmp_path / "roots.pem"))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("hello\n")
    with pytest.raises(TlsError, match=r"nonsense\.pem"):
        make_context(TlsOptions(nonsense))
    locked = tmp_path / "locked.key"
    openssl("ec", "-aes256", "-passout", "pass:word", "-in", key, "-out", locked)
    with pytest.raises(TlsError, match="needs a passphrase"):
        make_context(TlsOptions(certificate, locked))
