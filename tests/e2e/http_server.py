#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A small HTTP server on IPv4 and IPv6: http_server.py PORT...

Every path answers 200 with the client's address and the port, as JSON; PUT also with the length
and SHA-256 of what it got. GET /bytes/N answers with N bytes.
"""
import hashlib
import http.server
import json
import socket
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, **more):
        client = {"client": self.client_address[0].removeprefix("::ffff:"),
                  "port": self.server.server_port}
        self.answer("application/json", json.dumps(client | more).encode() + b"\n")

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            self.answer("application/octet-stream", bytes(int(self.path.removeprefix("/bytes/"))))
        else:
            self.answer_json()

    def do_PUT(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left and (data := self.rfile.read(min(left, 65536))):
            digest.update(data)
            left -= len(data)
        self.answer_json(length=int(self.headers["Content-Length"]) - left, sha256=digest.hexdigest())

    def log_message(self, *arguments):
        """Quiet."""


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # HTTPServer's own asks the resolver for this host's name, which may take long.
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", self.server_address[1]


def main():
    servers = [Server(("::", int(port)), Handler) for port in sys.argv[1:]]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
