"""The web client over real sockets: what is served, as what, and that the log must have it."""

import asyncio
import gzip
import os
from pathlib import Path

import httpx
import pytest
from picows import WSError, WSListener, ws_connect
from server_world import World

from doublelock.protocol.api import Bundle, Problem, decode_body
from doublelock.protocol.bundle import check_logged, hash_manifest, write_manifest
from doublelock.protocol.charter import verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.lawlog import BundleLogged, BundleWithdrawn, verify_line
from doublelock.protocol.tlog_proof import verify_proof
from doublelock.server.app import Server
from doublelock.server.origins import own_origins

FILES = {
    "index.html": b"<!doctype html><title>Doublelock</title>" + b" " * 500,
    "sw.js": b"self.onpush = () => {};",
    "manifest.webmanifest": b'{"name":"Doublelock"}',
    "icon.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "assets/app-3f2a9c4e.js": b"export const x = 1;\n" * 100,
    "assets/app-77aa.css": b"body{margin:0}",
}


def build(folder: Path, files: dict[str, bytes] = FILES, version: str = "0.1.0") -> Path:
    """Lay down a built bundle with its manifest and one file's compressed forms."""
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    script = folder / "assets/app-3f2a9c4e.js"
    if script.exists():
        data = script.read_bytes()
        script.with_name(script.name + ".gz").write_bytes(gzip.compress(data, mtime=0))
        script.with_name(script.name + ".br").write_bytes(b"stands for brotli")
    (folder / "bundle.json").write_bytes(write_manifest(version, files))
    return folder


async def get(server: Server, path: str, **headers: str) -> httpx.Response:
    """Return an answer with its body as it travelled."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx.AsyncClient(base_url=server.http, verify=False) as http,
        http.stream("GET", path, headers={"accept-encoding": "identity", **names}) as response,
    ):
        body = b"".join([piece async for piece in response.aiter_raw()])
    kept = [one for one in response.headers.items() if one[0] != "content-encoding"]
    coding = response.headers.get("content-encoding", "")
    return httpx.Response(response.status_code, headers=[*kept, ("x-coding", coding)], content=body)


async def test_a_bundle_is_served_as_what_it_is(world: World, tmp_path: Path) -> None:
    async with world.serve(web=build(tmp_path / "web")) as server:
        kinds = {
            "/": ("text/html; charset=utf-8", "no-cache"),
            "/index.html": ("text/html; charset=utf-8", "no-cache"),
            "/sw.js": ("text/javascript; charset=utf-8", "no-cache"),
            "/manifest.webmanifest": ("application/manifest+json", "no-cache"),
            "/icon.svg": ("image/svg+xml", "no-cache"),
            "/assets/app-77aa.css": (
                "text/css; charset=utf-8",
                "public, max-age=31536000, immutable",
            ),
        }
        for path, (kind, keep) in kinds.items():
            answer = await get(server, path)
            assert answer.status_code == 200, path
            assert (answer.headers["content-type"], answer.headers["cache-control"]) == (kind, keep)
            assert answer.content == FILES[path.strip("/") or "index.html"]
        headers = (await get(server, "/")).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
            f"media-src blob:; connect-src 'self' {server.stream.removesuffix('/v1/stream')}; "
            "worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
            "form-action 'none'; require-trusted-types-for 'script'"
        )
        assert headers["permissions-policy"].startswith("camera=(self), microphone=(self), ")
        assert {
            name: headers[name]
            for name in (
                "cross-origin-opener-policy",
                "cross-origin-resource-policy",
                "referrer-policy",
                "x-content-type-options",
            )
        } == {
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }
        assert "access-control-allow-origin" not in headers


async def test_nothing_but_the_manifests_files_is_served(world: World, tmp_path: Path) -> None:
    folder = build(tmp_path / "web")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    async with world.serve(web=folder) as server:
        (folder / "later.js").write_bytes(b"later")
        (folder / "sw.js").write_bytes(b"changed after the start")
        for path in (
            "/bundle.json",
            "/assets",
            "/assets/",
            "/later.js",
            "/assets/app-3f2a9c4e.js.gz",
            "/../secret.txt",
            "/..%2fsecret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "//etc/passwd",
            "/sw.js%00",
            "/SW.js",
        ):
            answer = await get(server, path)
            assert answer.status_code == 404, path
            assert b"secret" not in answer.content
        assert (await get(server, "/sw.js")).content == FILES["sw.js"]
        assert (await get(server, "/v1/nothing")).status_code == 404
        async with httpx.AsyncClient(base_url=server.http, verify=False) as http:
            assert (await http.post("/index.html")).status_code == 405
            head = await http.head("/sw.js")
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(len(FILES["sw.js"]))


async def test_compressed_forms_go_to_who_takes_them(world: World, tmp_path: Path) -> None:
    async with world.serve(web=build(tmp_path / "web")) as server:
        path = "/assets/app-3f2a9c4e.js"
        plain = FILES[path[1:]]
        tags = set()
        for accepted, coding in {
            "gzip, deflate, br": "br",
            "gzip": "gzip",
            "br;q=0, gzip;q=0.5": "gzip",
            "gzip;q=0.000": "",
            "identity": "",
            "brr, xgzip": "",
        }.items():
            answer = await get(server, path, accept_encoding=accepted)
            assert answer.headers["x-coding"] == coding, accepted
            assert answer.headers["vary"] == "accept-encoding"
            body = answer.content
            assert {"br": b"stands for brotli", "gzip": body, "": plain}[coding] == body
            if coding == "gzip":
                assert gzip.decompress(body) == plain
            tag = answer.headers["etag"]
            tags.add(tag)
            known = f'"other", W/{tag}'
            again = await get(server, path, accept_encoding=accepted, if_none_match=known)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert len(tags) == 3
        assert (await get(server, path, if_none_match='"other"')).status_code == 200


async def test_the_log_has_what_is_served_and_proves_it(world: World, tmp_path: Path) -> None:
    folder = build(tmp_path / "web")
    data = (folder / "bundle.json").read_bytes()
    async with world.serve(web=folder) as server:
        bundle = await proved(server)
        assert bundle.manifest == data
        charter = verify_genesis(world.charter, world.deployment)
        verify_proof(bundle.proof, bundle.line, charter.law_policy())
        entry = verify_line(world.deployment, bundle.line).signed.entry
        assert entry == BundleLogged(Bytes32(hash_manifest(data)), "0.1.0")
        size = server.law.desk.state.size
    async with world.serve(web=folder) as server:
        assert server.law.desk.state.size == size  # once is enough
        assert (await proved(server)).line == bundle.line


async def proved(server: Server) -> Bundle:
    """Return the bundle's proof, as soon as a checkpoint holds it."""
    async with asyncio.timeout(10):
        while True:
            answer = await get(server, "/v1/bundle")
            if answer.status_code == 200:
                return decode_body(answer.content, Bundle)
            assert decode_body(answer.content, Problem).code == Code.LOG_MISSING.value
            await asyncio.sleep(0.02)


async def test_a_withdrawn_bundle_is_served_no_more(world: World, tmp_path: Path) -> None:
    folder = build(tmp_path / "web")
    name = Bytes32(hash_manifest((folder / "bundle.json").read_bytes()))
    async with world.serve(web=folder) as server:
        await server.law.desk.log_own(BundleWithdrawn(name))
        page = await get(server, "/")
        assert page.status_code == 410
        assert FILES["index.html"] not in page.content
        answer = await get(server, "/v1/bundle")
        assert decode_body(answer.content, Problem).code == Code.BUNDLE_WITHDRAWN.value
    with pytest.raises(Refusal) as caught:
        async with world.serve(web=folder):
            pass
    assert caught.value.code is Code.BUNDLE_WITHDRAWN
    other = build(tmp_path / "next", {**FILES, "sw.js": b"next"})
    async with world.serve(web=other) as server:
        check_logged(server.law.desk.state.bundles, (await bundle_name(server)))
        assert (await get(server, "/sw.js")).content == b"next"


async def bundle_name(server: Server) -> bytes:
    return hash_manifest((await proved(server)).manifest)


async def test_a_server_without_a_client_says_so(world: World) -> None:
    async with world.serve() as server:
        answer = await get(server, "/v1/bundle")
        assert decode_body(answer.content, Problem).code == Code.NOT_FOUND.value
        assert (await get(server, "/")).status_code == 404


async def test_wasm_is_allowed_only_where_the_bundle_says_so(world: World, tmp_path: Path) -> None:
    files = {**FILES, "assets/engine-1234.wasm": b"\0asm\1\0\0\0"}
    async with world.serve(web=build(tmp_path / "web", files)) as server:
        answer = await get(server, "/assets/engine-1234.wasm")
        assert answer.headers["content-type"] == "application/wasm"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' 'wasm-unsafe-eval';" in policy
        assert policy.count("unsafe") == 1


@pytest.mark.parametrize("break_it", ["changed", "missing", "more", "link", "gzip", "kind", "none"])
async def test_a_folder_that_is_not_its_manifest_starts_no_server(
    world: World, tmp_path: Path, break_it: str
) -> None:
    folder = build(tmp_path / "web")
    match break_it:
        case "changed":
            (folder / "sw.js").write_bytes(b"changed")
        case "missing":
            (folder / "icon.svg").unlink()
        case "more":
            (folder / "more.js").write_bytes(b"")
        case "link":
            (folder / "sw.js").unlink()
            os.symlink("/etc/hostname", folder / "sw.js")
        case "gzip":
            (folder / "assets/app-3f2a9c4e.js.gz").write_bytes(gzip.compress(b"other"))
        case "kind":
            build(folder, {**FILES, "tool.exe": b"MZ"})
        case "none":
            (folder / "bundle.json").unlink()
    with pytest.raises(Malformed) as caught:
        async with world.serve(web=folder):
            pass
    assert caught.value.code is (Code.FORM if break_it == "kind" else Code.BUNDLE_MISMATCH)


async def test_pages_of_others_open_no_stream(world: World) -> None:
    async with world.serve() as server:
        port = server.http.rpartition(":")[2]
        for origin, welcome in {
            server.http: True,
            f"http://localhost:{port}": True,
            f"http://[::1]:{port}": True,
            "http://evil.example": False,
            f"https://localhost:{port}": False,
            f"http://localhost:{int(port) + 1}": False,
            "null": False,
        }.items():
            opened = True
            try:
                transport, _ = await ws_connect(
                    WSListener, server.stream, extra_headers={"Origin": origin}
                )
            except WSError:
                opened = False
            else:
                transport.disconnect()
                await transport.wait_disconnected()
            assert opened is welcome, origin


def test_origins_are_the_announced_one_and_loopbacks_other_names() -> None:
    assert own_origins("https://Chat.example/") == {"https://chat.example"}
    assert own_origins("https://localhost.example:8443") == {"https://localhost.example:8443"}
    assert own_origins("http://localhost") == {
        "http://localhost",
        "http://127.0.0.1",
        "http://[::1]",
    }
