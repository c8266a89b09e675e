"""nginx, HAProxy and Caddy with the files of deploy/, at other addresses."""

import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pictor.embedded.ports import free_port
from tests.deploy.programs import DEPLOY, program
from tests.stack.stack_processes import until

SITE, BUCKET = "pictor.example", "s3.pictor.example"
NGINX = """
daemon off; user root; pid {folder}/pid; error_log {folder}/log;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
"""Debian's own, as far as our file needs it, with the connections that our file requires."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A running proxy; clients reach it under the names of our files."""

    name: str
    http_port: int
    https_port: int
    trust: ssl.SSLContext

    def client(
        self, host: str = SITE, *, address: str = "127.0.0.1", **options: Any
    ) -> httpx.Client:
        """A client of the site or the bucket, from an address of this machine."""

        def name_host(request: httpx.Request) -> None:
            request.headers["host"] = host
            request.extensions = {**request.extensions, "sni_hostname": host.partition(":")[0]}

        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.https_port}",
            transport=httpx.HTTPTransport(verify=self.trust, local_address=address),
            event_hooks={"request": [name_host]},
            timeout=60,
            **options,
        )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Differences from production."""

    folder: Path
    http_port: int
    https_port: int
    upstreams: Mapping[str, int]
    """Ports by the port in our files."""


@contextmanager
def running(name: str, folder: Path, *, upstreams: Mapping[str, int]) -> Iterator[Proxy]:
    """Run the proxy on ports of its own; skip the test if it is not installed."""
    folder.mkdir()
    http = free_port()
    place = _Place(
        folder=folder,
        http_port=http,
        https_port=free_port(frozenset({http})),
        upstreams=upstreams,
    )
    _certify(folder)
    command = COMMANDS[name](program(name, f"apt-get install {name}"), place)
    env = {**os.environ, "HOME": str(folder)}
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL)  # noqa: S603 - Debian's program
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    proxy = Proxy(name=name, http_port=http, https_port=place.https_port, trust=trust)
    try:
        with proxy.client() as client:
            until(lambda: process.poll() is not None or _answers(client), 20)
        assert process.poll() is None, command
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx.Client) -> bool:
    try:
        client.get("/healthz")
    except httpx.HTTPError:
        return False
    return True


def _nginx(path: str, place: _Place) -> list[str]:
    site = {
        "listen 80;": f"listen 127.0.0.1:{place.http_port};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{place.https_port} ssl http2;",
        "/etc/pictor/tls/fullchain.pem": f"{place.folder}/cert.pem",
        "/etc/pictor/tls/key.pem": f"{place.folder}/key.pem",
    }
    _rewrite("nginx.conf", place, site, to="site.conf")
    (place.folder / "main.conf").write_text(NGINX.format(folder=place.folder))
    return [path, "-c", str(place.folder / "main.conf")]


def _haproxy(path: str, place: _Place) -> list[str]:
    site = {
        "maxconn 32768": "maxconn 1000",  # two open files for each
        "bind :80": f"bind 127.0.0.1:{place.http_port}",
        "bind :443": f"bind 127.0.0.1:{place.https_port}",
        "/etc/pictor/tls/haproxy.pem": f"{place.folder}/both.pem",
    }
    if os.geteuid() != 0:  # only root can become another
        site["    user haproxy\n    group haproxy\n    chroot /var/lib/haproxy\n"] = ""
    _rewrite("haproxy.cfg", place, site, to="site.cfg")
    return [path, "-db", "-f", str(place.folder / "site.cfg")]


def _caddy(path: str, place: _Place) -> list[str]:
    tls = f"\ttls {place.folder}/cert.pem {place.folder}/key.pem\n"
    site = {
        "\tservers {": (
            f"\tadmin off\n\thttp_port {place.http_port}\n\thttps_port {place.https_port}\n"
            "\tservers {"
        ),
        f"\n{SITE} {{\n": f"\n{SITE} {{\n{tls}",
        f"\n{BUCKET} {{\n": f"\n{BUCKET} {{\n{tls}",
    }
    _rewrite("Caddyfile", place, site, to="Caddyfile")
    return [path, "run", "--config", str(place.folder / "Caddyfile")]


COMMANDS: dict[str, Callable[[str, _Place], list[str]]] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
    "caddy": _caddy,
}


def _rewrite(name: str, place: _Place, site: Mapping[str, str], *, to: str) -> None:
    """Our file with other addresses; each of ours must have been in it."""
    text = (DEPLOY / name).read_text()
    ports = {f"127.0.0.1:{ours}": f"127.0.0.1:{port}" for ours, port in place.upstreams.items()}
    for ours, other in {**ports, **site}.items():
        assert ours in text, ours
        text = text.replace(ours, other)
    (place.folder / to).write_text(text)


def _certify(folder: Path) -> None:
    """Write a self-signed certificate for both names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SITE)])
    names = x509.SubjectAlternativeName([x509.DNSName(SITE), x509.DNSName(BUCKET)])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "cert.pem").write_bytes(public)
    (folder / "key.pem").write_bytes(private)
    (folder / "both.pem").write_bytes(public + private)
