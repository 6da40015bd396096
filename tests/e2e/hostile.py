#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients of the control socket that mean harm, and one that wants to know.

hostile.py attack SOCKET COUNT STATE USER GROUP KIND...
    As this user keeps COUNT connections, of each kind as many as of another, until SIGTERM: one that the daemon
    ends is made again a second later. What became of them is in the file STATE, twice a second.
hostile.py ask SOCKET COUNT
    Asks COUNT times for the status; prints how long the answers took, in ms, as JSON.
"""
import json
import os
import random
import selectors
import signal
import socket
import sys
import time

PAUSE_S = 1.0
LINE = b"x" * (1 << 20)
LINE_MB = 1024
# They never read, so that they don't learn of their end either: they go by themselves.
DEAF, DEAF_S = ("deaf", "silent"), 5.0
STATUS = b'{"version": 1, "command": "status"}\n'


class Client:
    """A connection of one kind: what it sends when, and whether it ever reads."""

    def __init__(self, kind):
        self.kind = kind
        self.socket = None
        self.due = 0.0
        self.sent = 0
        self.text = b""

    def open(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.connect(path)
        self.sent = 0
        self.text = {
            "half": b'{"version": 1, "comm',
            "slow": STATUS[:-1] + b" " * 1000,
            "garbage": random.randbytes(random.randrange(1, 2000)) + b"\n",
            "line": LINE,
            "version": b'{"version": 99, "command": "status"}\n',
            "silent": b'{"version": 1, "command": "ranges"}\n',
            "deaf": STATUS,
            "write": random.choice([b'{"version": 1, "command": "apply"}\n',
                                    b'{"version": 1, "command": "detach"}\n']),
            "leave": STATUS,
        }[self.kind]

    def turn(self, now):
        """Sends what is due. Returns when to be called again, or None for never."""
        if self.kind == "slow":
            self.socket.send(self.text[self.sent:self.sent + 1])
            self.sent += 1
            return now + 1
        if self.kind == "line":
            while self.sent < LINE_MB * len(self.text):
                self.sent += self.socket.send(self.text)
            return None
        if self.sent or self.kind == "leave":
            self.socket.send(self.text[self.sent:])
            raise ConnectionAbortedError
        self.sent = self.socket.send(self.text)
        return now + DEAF_S if self.kind in DEAF else None


class Attack:
    def __init__(self, path, clients):
        self.path = path
        self.clients = clients
        self.selector = selectors.DefaultSelector()
        self.counts = {"opened": 0, "refused": 0, "full": 0, "ended": 0, "denied": 0}

    def end(self, client, now):
        if client.socket in self.selector.get_map():
            self.selector.unregister(client.socket)
        client.socket.close()
        client.socket = None
        client.due = now + PAUSE_S

    def begin(self, client, now):
        try:
            client.open(self.path)
        except PermissionError:
            self.counts["refused"] += 1
            self.end(client, now)
            return
        except BlockingIOError:
            self.counts["full"] += 1
            self.end(client, now)
            client.due = now + 0.01
            return
        self.counts["opened"] += 1
        if client.kind not in DEAF:
            self.selector.register(client.socket, selectors.EVENT_READ, client)
        self.send(client, now)

    def send(self, client, now):
        try:
            client.due = client.turn(now) or float("inf")
        except BlockingIOError:
            client.due = now + 0.05
        except OSError:
            self.counts["ended"] += 1
            self.end(client, now)

    def read(self, client, now):
        try:
            got = client.socket.recv(1 << 16)
        except OSError:
            got = b""
        if b'"denied"' in got:
            self.counts["denied"] += 1
        if not got:
            self.counts["ended"] += 1
            self.end(client, now)

    def turn(self):
        now = time.monotonic()
        for client in self.clients:
            if client.due > now:
                continue
            if not client.socket:
                self.begin(client, now)
            else:
                self.send(client, now)
        for key, _ in self.selector.select(0.02):
            if key.data.socket:
                self.read(key.data, now)


def attack(path, count, state, kinds):
    clients = [Client(kinds[i % len(kinds)]) for i in range(count)]
    now = time.monotonic()
    for client in clients:
        client.due = now + random.uniform(0, PAUSE_S)
    rounds = Attack(path, clients)
    going = True

    def stop(_signal, _frame):
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    written = 0.0
    while going:
        rounds.turn()
        if time.monotonic() < written + 0.5:
            continue
        written = time.monotonic()
        open_now = sum(1 for client in clients if client.socket)
        with open(state + ".new", "w", encoding="utf-8") as file:
            json.dump({**rounds.counts, "open": open_now}, file)
        os.replace(state + ".new", state)


def ask_once(path):
    start = time.monotonic()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10 * int(os.environ.get("VG_SLOW", "1")))
        client.connect(path)
        client.sendall(STATUS)
        text = b""
        while got := client.recv(1 << 16):
            text += got
    if not json.loads(text)["ok"]:
        raise SystemExit(f"status: {text}")
    return (time.monotonic() - start) * 1000


def ask(path, count):
    times = []
    for _ in range(count):
        times.append(ask_once(path))
        time.sleep(0.02)
    times.sort()
    print(json.dumps({"answers": count, "median": round(times[count // 2], 1),
                      "p99": round(times[count * 99 // 100], 1), "max": round(times[-1], 1)}))


if __name__ == "__main__":
    if sys.argv[1] == "attack":
        os.setgroups([])
        os.setresgid(*[int(sys.argv[6])] * 3)
        os.setresuid(*[int(sys.argv[5])] * 3)
        attack(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[7:])
    else:
        ask(sys.argv[2], int(sys.argv[3]))
