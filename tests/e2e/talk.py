#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Conversations that show when they are cut.

talk.py serve PORT...                     echoes UDP and TCP on these ports
talk.py tcp|udp FROM TO PORT STATE [SIZE] sends a number every 5 ms times $VG_SLOW, padded to SIZE
                                          bytes, through one connection or connected socket, and
                                          reads the echoes

Both run until SIGTERM. STATE is replaced ten times a second: {"sent", "received", "wrong": echoes
out of order, "gap_ms": the longest time without an echo, "local": the local port, "retransmits",
"error"}.
"""
import fcntl
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time

PERIOD_S = 0.005 * int(os.environ.get("VG_SLOW", "1"))
running = True


def stop(*_):
    global running
    running = False


class Server:
    def __init__(self, ports):
        self.selector = selectors.DefaultSelector()
        for port in ports:
            for kind, action in (socket.SOCK_STREAM, self.accept), (socket.SOCK_DGRAM, self.datagram):
                sock = socket.socket(socket.AF_INET6, kind)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("::", port))
                if kind == socket.SOCK_STREAM:
                    sock.listen(128)
                else:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                self.selector.register(sock, selectors.EVENT_READ, action)

    def datagram(self, sock):
        """Answers from the address that was asked, of which the host may have many."""
        data, control, _, asker = sock.recvmsg(65536, 128)
        sock.sendmsg([data], control, 0, asker)

    def accept(self, sock):
        connection, _ = sock.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(connection, selectors.EVENT_READ, self.echo)

    def echo(self, sock):
        try:
            data = sock.recv(65536)
            if data:
                sock.sendall(data)
                return
        except OSError:
            pass
        self.selector.unregister(sock)
        sock.close()

    def run(self):
        while running:
            for key, _ in self.selector.select(0.1):
                try:
                    key.data(key.fileobj)
                except OSError:
                    pass  # an ICMP error of an earlier datagram's


def connected(kind, source, to, port):
    """The server may not listen yet."""
    deadline = time.monotonic() + 20
    while True:
        sock = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, kind)
        sock.settimeout(10)
        sock.bind((source, 0))
        try:
            sock.connect((to, port))
            return sock
        except ConnectionRefusedError:
            sock.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Talk:
    def __init__(self, kind, source, to, port, state, size=0):
        self.stream = kind == "tcp"
        self.sock = connected(socket.SOCK_STREAM if self.stream else socket.SOCK_DGRAM, source, to,
                              int(port))
        self.sock.setblocking(False)
        if self.stream:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state, self.size, self.rest = state, int(size), b""
        self.expected, self.heard = 0, time.monotonic()
        self.done = {"sent": 0, "received": 0, "wrong": 0, "gap_ms": 0, "error": None,
                     "local": self.sock.getsockname()[1]}

    def say(self):
        message = str(self.done["sent"]).ljust(self.size).encode() + b"\n"
        try:
            # Never a part of a line: the kernel's buffer is far larger, and asked for first.
            if self.stream and self.unsent() > 65536:
                return
            self.sock.send(message)
            self.done["sent"] += 1
        except BlockingIOError:
            pass

    def unsent(self):
        """SIOCOUTQ"""
        return struct.unpack("i", fcntl.ioctl(self.sock, 0x5411, bytes(4)))[0]

    def hear(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionError("closed by the other side")
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines if self.stream else [data]:
                number, now = int(line), time.monotonic()
                # Datagrams may be lost, which the counts show; never come twice or out of order.
                wrong = number != self.expected if self.stream else number < self.expected
                self.expected = number + 1
                self.done["wrong"] += wrong
                self.done["received"] += 1
                self.done["gap_ms"] = max(self.done["gap_ms"], round(1000 * (now - self.heard)))
                self.heard = now

    def write(self):
        if self.stream:
            info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            self.done["retransmits"] = struct.unpack_from("=I", info, 100)[0]
        with open(self.state + ".new", "w", encoding="ascii") as file:
            json.dump(self.done, file)
        os.replace(self.state + ".new", self.state)

    def run(self):
        turn = write = time.monotonic()
        while running:
            try:
                self.say()
                self.hear()
            except OSError as error:
                self.done["error"] = str(error)
                if self.stream:
                    break
            if time.monotonic() >= write:
                self.write()
                write += 0.1
            turn = max(turn + PERIOD_S, time.monotonic() - PERIOD_S)
            time.sleep(max(0, turn - time.monotonic()))
        self.finish()

    def finish(self):
        deadline = time.monotonic() + 600 * PERIOD_S
        while self.done["received"] < self.done["sent"] and time.monotonic() < deadline:
            try:
                self.hear()
            except OSError:
                break
            time.sleep(PERIOD_S)
        self.write()


def main():
    signal.signal(signal.SIGTERM, stop)
    command, *rest = sys.argv[1:]
    if command == "serve":
        Server([int(port) for port in rest]).run()
    else:
        Talk(command, *rest).run()


main()
