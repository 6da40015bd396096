#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Plays Google Cloud for tests and demos: the metadata server over HTTP, and over TLS the Compute
API, the Serverless VPC Access API, the published lists of addresses, and plain files.

    cloud.py FOLDER [--http ADDRESS:PORT]... [--https ADDRESS:PORT]... [--data FOLDER] [--name NAME]...

All state is in FOLDER. Where they are missing, ca.pem, cert.pem and key.pem are made there with
openssl (for 127.0.0.1, 169.254.169.254, Google's names and each NAME). `ready` appears there once
everything listens. The two files below may be replaced at any time (write aside and rename); they
hold from the next request on, and also for one that waits for a change.

world.json: what there is. Each member replaces the default one, see WORLD.
    project_id, project_number, zone      of this VM
    nics              what the metadata server says, as it says it
    service_account   null, or {"scopes": [...], "expires_in": s, "uses": n}: a token is refused
                      (401) after expires_in, and once it was used n times
    projects          {"NUMBER": {"id", "subnetworks": [...], "unreachable": [REGION...],
                      "may_list": bool, "usable": [SUBNET...] or null (no right to ask),
                      "networks": {NAME: [peering]}, "connectors": [...]}}
        subnetworks   as in the Compute API, where `network` and `region` may be short; or
                      {"generate": n, "network", "region"} for n of /28
        peering       {"name", "state", "routes": [...]}, and what else the Compute API has
        region, project or API that isn't there: 404
    page_size         a page is never longer than this, whatever is asked for
    published         {"goog": document, "cloud": document}
    files             {PATH: text}, with an ETag
A text "@NAME" anywhere stands for the JSON document NAME below --data.

control.json: {REGEX: ACTION}: the first regex that is found in "PATH?QUERY" (not decoded) decides.
An action is an object of these, or a text for {"do": text}:
    times             only so many times, then the request is as any other
    delay             seconds to wait before all else
    status, retry_after, headers    of the answer; without `json` or `text`, an error as Google's
    json, text        the body
    do                "hang"             no answer, until the client leaves
                      "close"            the connection closes without an answer
                      "drop-connection"  ... in the middle of the right answer
                      "slow"             the right answer, a byte every 100 ms
                      "truncate"         half of the right answer, as if it were whole
                      "bad-prefix"       the right answer, but for one prefix
                      "html"             a page that wants somebody to log in
                      "huge"             50 MB of JSON; "huge-gzip": 50 kB that become 50 MB
                      "headers"          headers without end
                      "no-flavor"        the right answer without Metadata-Flavor
                      "redirect"         to `location`, or else to https://elsewhere.invalid/
                      "endless-pages"    the right answer with one more page behind it, always; the
                                         tokens repeat after `period` of them, if that is given

log.jsonl: a line for each request as it comes in: {"time", "port", "tls", "path", "headers"}.
"""
import argparse
import gzip
import hashlib
import http.server
import itertools
import json
import os
import pathlib
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
from cloud_world import Cloud, Failure

NAMES = ("compute.googleapis.com", "vpcaccess.googleapis.com", "www.gstatic.com", "cloud.test")
HUGE = 50 << 20


def etag_of(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        if self.server.tls:
            self.request.do_handshake()
        super().setup()

    def client_left(self):
        """Has the client closed its side?"""
        if isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable)

    def send(self, status, body, kind="application/json", headers=(), action=None):
        action = action or {}
        body = body.encode() if isinstance(body, str) else body
        body = b"" if status in (204, 304) else body
        headers = {"Content-Type": kind} | dict(headers) | action.get("headers", {})
        if "retry_after" in action:
            headers["Retry-After"] = str(action["retry_after"])
        if not self.server.tls and action.get("do") != "no-flavor":
            headers.setdefault("Metadata-Flavor", "Google")
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1024:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if action.get("do") == "drop-connection":
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
        elif action.get("do") == "slow":
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        else:
            self.wfile.write(body)

    # What goes wrong before there is an answer

    def do_hang(self, _action):
        while not self.client_left():
            time.sleep(0.02)
        self.close_connection = True

    def do_close(self, _action):
        self.close_connection = True

    def do_html(self, action):
        self.send(action.get("status", 200), "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n",
                  "text/html; charset=utf-8")

    def do_redirect(self, action):
        self.send(302, "", headers={"Location": action.get("location", "https://elsewhere.invalid/")})

    def do_huge(self, _action):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"[")
        for _ in range(HUGE >> 16):
            self.wfile.write(b" " * 65536)
        self.close_connection = True

    def do_huge_gzip(self, _action):
        self.send_response(200)
        body = gzip.compress(b"[" + b" " * HUGE)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_headers(self, _action):
        self.send_response(200)
        for i in itertools.count():
            self.send_header(f"X-Header-{i}", "x" * 1000)
            self.flush_headers()

    # The right answers

    def spoil(self, text, action):
        """The right text, made wrong as the action says."""
        what = action.get("do")
        if what == "truncate":
            return text[:len(text) // 2]
        if what == "bad-prefix":
            return re.sub(r"\d+\.\d+\.\d+\.\d+/\d+", "10.0.0.300/8", text, count=1)
        if what == "endless-pages":
            with self.server.cloud.lock:
                number = next(self.server.cloud.numbers) % action.get("period", 1 << 60)
            return json.dumps(json.loads(text) | {"nextPageToken": f"page {number}"})
        return text

    def answer_metadata(self, path, query, action):
        cloud = self.server.cloud
        if self.headers.get("Metadata-Flavor") != "Google":
            return self.send(403, "Missing Metadata-Flavor:Google header.", "text/plain")
        text = cloud.metadata(cloud.world(), path)
        if query.get("wait_for_change") == "true":
            deadline = time.monotonic() + float(query.get("timeout_sec", 1e9))
            last = query.get("last_etag") or etag_of(text)
            while etag_of(text) == last and time.monotonic() < deadline:
                if self.client_left():
                    self.close_connection = True
                    return None
                time.sleep(0.02)
                text = cloud.metadata(cloud.world(), path)
        if text is None:
            return self.send(404, "<html>not found</html>\n", "text/html")
        kind = "application/json" if text[0] in "[{" else "application/text"
        return self.send(200, self.spoil(text, action), kind, {"ETag": etag_of(text)}, action)

    def answer_tls(self, path, query, action):
        cloud = self.server.cloud
        world = cloud.world()
        if action.get("do") == "endless-pages":
            query.pop("pageToken", None)
        try:
            document = cloud.api(world, path, query, self.headers.get("Authorization", ""))
        except Failure as failure:
            return self.send(failure.status, json.dumps(failure.document), action=action)
        if document is not None:
            return self.send(200, self.spoil(json.dumps(document), action), action=action)
        text = cloud.public(world, path)
        if text is None:
            return self.send(404, "<html>Error 404 (Not Found)!!1</html>\n", "text/html")
        etag = f'"{etag_of(text)}"'
        if self.headers.get("If-None-Match") == etag:
            return self.send(304, "", headers={"ETag": etag})
        return self.send(200, self.spoil(text, action), headers={"ETag": etag}, action=action)

    def answer_as_told(self, action):
        status = action.get("status", 200)
        if "text" in action:
            self.send(status, action["text"], "text/plain", action=action)
        elif "json" in action:
            self.send(status, json.dumps(self.server.cloud.fill_in(action["json"])), action=action)
        else:
            failure = Failure(status, "Told to fail.", kind="backendError")
            self.send(status, json.dumps(failure.document), action=action)

    def do_GET(self):
        cloud = self.server.cloud
        cloud.log(time=time.time(), port=self.server.server_port, tls=self.server.tls, path=self.path,
                  headers=dict(self.headers))
        action = cloud.action(self.path)
        time.sleep(action.get("delay", 0))
        special = getattr(self, "do_" + action.get("do", "").replace("-", "_"), None)
        if special:
            return special(action)
        if {"status", "json", "text"} & set(action):
            return self.answer_as_told(action)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, strict_parsing=bool(url.query)))
        if self.server.tls:
            return self.answer_tls(url.path, query, action)
        return self.answer_metadata(url.path.removeprefix("/computeMetadata/v1/"), query, action)

    def log_message(self, *arguments):
        """Quiet: there is log.jsonl."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, cloud, context):
        host, port = address.rsplit(":", 1)
        host = host.strip("[]")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.cloud, self.context, self.tls = cloud, context, context is not None
        super().__init__((host, int(port)), Handler)

    def server_bind(self):
        # HTTPServer's own asks the resolver for this host's name, which may take long.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:  # the handshake is the handler's, so that nobody waits for another's
            connection = self.context.wrap_socket(connection, server_side=True,
                                                  do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        """A client that leaves, or that doesn't trust the certificate, is part of the tests."""


def make_certificates(folder, names):
    """A CA, and a certificate that it signed for the names."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    alternatives = ",".join(["IP:127.0.0.1", "IP:169.254.169.254", *(f"DNS:{name}" for name in names)])
    (folder / "extensions").write_text(f"subjectAltName={alternatives}\nbasicConstraints=CA:FALSE\n")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=CA of a test")
    openssl("req", *key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=server of a test")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "cert.pem", "-days", "30", "-extfile", "extensions")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--http", action="append", default=[])
    parser.add_argument("--https", action="append", default=[])
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "data")
    parser.add_argument("--name", action="append", default=[])
    arguments = parser.parse_args()
    folder = arguments.folder
    cloud = Cloud(folder, arguments.data)
    context = None
    if arguments.https:
        if not all((folder / name).exists() for name in ("cert.pem", "key.pem")):
            make_certificates(folder, [*NAMES, *arguments.name])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    servers = [Server(address, cloud, None) for address in arguments.http]
    servers += [Server(address, cloud, context) for address in arguments.https]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    (folder / "ready").write_text(f"{os.getpid()}\n")
    for thread in threads:
        thread.join()


main()
