"""Every page with its sample contexts, served on loopback under the policy of the real application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.web import sample_contexts

from porchlight.web.rendering import STATIC, environment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Preview(SimpleHTTPRequestHandler):
    """`/name` is the page of that name in `sample_contexts.PAGES`; `/static/…` the files."""

    pages = environment()

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.strip("/")
        if name.startswith("static/"):
            self.path = self.path.removeprefix("/static")
            return super().do_GET()
        if name not in sample_contexts.PAGES:
            self.send_error(404)
            return None
        template, context = sample_contexts.PAGES[name]
        body = self.pages.get_template(template).render(**context()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def preview(port: int = 0) -> Iterator[str]:
    """The preview's address, while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Preview, directory=str(STATIC)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
