"""A small HTTP server for probes and metrics."""

from __future__ import annotations

import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from .address import Address
from .counters import FIGURES, Counters
from .faults import Fault
from .memory import peak_bytes, resident_bytes
from .shutdown import start_thread

_log = logging.getLogger(__name__)


class Health:
    """Answers `/healthz`, `/readyz` and `/metrics`.

    A stage is ready once it is warm and listens, whether or not its neighbours are there: stages of a pipeline that
    waited for each other's readiness would never start.
    """

    def __init__(self, address: Address, labels: dict[str, str], counters: Counters):
        self._labels = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
        self._counters = counters
        self._ready = threading.Event()
        health = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5
            server_version = "cutpoint-runner"
            sys_version = ""

            def do_GET(self) -> None:
                status, kind, body = health.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args) -> None:
                _log.debug(format, *args)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = _family(address)

            def server_bind(self) -> None:
                # The one of HTTPServer asks for the name of the host, which takes long where no name server answers.
                TCPServer.server_bind(self)
                self.server_name, self.server_port = address.host, address.port

        try:
            self._server = Server((address.host, address.port), Handler)
        except OSError as error:
            raise Fault(f"cannot listen on {address} for --health: {error.strerror or error}") from error
        start_thread(self._server.serve_forever, "health")

    def set_ready(self, ready: bool) -> None:
        if ready:
            self._ready.set()
        else:
            self._ready.clear()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Returns the status, the content type and the body for a path."""
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self._metrics().encode()
        if path == "/healthz":
            return 200, "application/json", b'{"status":"alive"}\n'
        if path == "/readyz":
            return self._readiness()
        return 404, "application/json", b'{"detail":"there are /healthz, /readyz and /metrics"}\n'

    def _readiness(self) -> tuple[int, str, bytes]:
        ready = self._ready.is_set()
        values = self._counters.all()
        body = {
            "status": "ready" if ready else "starting",
            "receive": "connected" if values.get("receive_connected") else "waiting",
            "send": "connected" if values.get("send_connected") else "waiting",
        }
        return 200 if ready else 503, "application/json", json.dumps(body).encode() + b"\n"

    def _metrics(self) -> str:
        values = self._counters.all()
        values["peak_memory_bytes"] = peak_bytes()
        values["resident_memory_bytes"] = resident_bytes() or 0
        lines = []
        for name, kind, help_text in FIGURES:
            full = f"cutpoint_runner_{name}"
            lines += [f"# HELP {full} {help_text}", f"# TYPE {full} {kind}"]
            lines.append(f"{full}{{{self._labels}}} {values.get(name, 0):.12g}")
        return "\n".join(lines) + "\n"


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET
