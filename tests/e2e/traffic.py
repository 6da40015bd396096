#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Numbered traffic, so that a lost or a leaked packet shows.

traffic.py receive PORT RESULT             UDP and TCP on that port, until SIGTERM
traffic.py send NAME FROM TO PORT RATE     numbered datagrams, RATE a second, padded to
                                           $VG_DATAGRAM bytes
traffic.py connect FROM TO PORT RATE       short TCP connections, RATE a second, each given up
                                           after $VG_PATIENCE seconds (default 10)
traffic.py stream FROM TO PORT RATE        numbered lines through one TCP connection

RATE is divided by $VG_SLOW. All but `receive` run until SIGTERM and then print what they did as
JSON. RESULT is replaced ten times a second: {"udp": {NAME: {"received", "lost", "repeated"}},
"tcp": {ADDRESS: connections}}, where `lost` counts the numbers missing below the highest one that
came.
"""
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time

running = True


def stop(*_):
    global running
    running = False


def endpoint(address, port):
    return socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM,
                              flags=socket.AI_NUMERICHOST)[0]


def paced(rate):
    """Yields 0, 1, 2, ... `rate` times a second until SIGTERM; late turns are not made up for."""
    rate /= int(os.environ.get("VG_SLOW", "1"))
    number, due = 0, time.monotonic()
    while running:
        yield number
        number += 1
        due = max(due + 1 / rate, time.monotonic() - 0.05)
        time.sleep(max(0, due - time.monotonic()))


def retransmits(sock):
    """tcpi_total_retrans of struct tcp_info (linux/tcp.h), byte 100."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from("=I", info, 100)[0]


class Receiver:
    def __init__(self, port, result):
        self.result, self.udp, self.tcp = result, {}, {}
        self.selector = selectors.DefaultSelector()
        for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
            sock = socket.socket(socket.AF_INET6, kind)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind == socket.SOCK_DGRAM:
                # SO_RCVBUFFORCE: a slow reader must not look like a lossy network.
                sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)
            sock.bind(("::", port))
            if kind == socket.SOCK_STREAM:
                sock.listen(128)
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ,
                                   self.datagrams if kind == socket.SOCK_DGRAM else self.accept)

    def datagrams(self, sock):
        for _ in range(256):
            try:
                name, number = sock.recv(256).decode().split()
            except BlockingIOError:
                return
            self.udp.setdefault(name, {"seen": set(), "repeated": 0})
            if int(number) in self.udp[name]["seen"]:
                self.udp[name]["repeated"] += 1
            self.udp[name]["seen"].add(int(number))

    def accept(self, sock):
        connection, address = sock.accept()
        address = address[0].removeprefix("::ffff:")
        self.tcp[address] = self.tcp.get(address, 0) + 1
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, self.echo)

    def echo(self, sock):
        try:
            data = sock.recv(65536)
            if data:
                sock.sendall(data)
                return
        except ConnectionError:
            pass
        self.selector.unregister(sock)
        sock.close()

    def write(self):
        udp = {name: {"received": len(s["seen"]), "repeated": s["repeated"],
                      "lost": max(s["seen"]) + 1 - len(s["seen"])} for name, s in self.udp.items()}
        with open(self.result + ".new", "w", encoding="ascii") as file:
            json.dump({"udp": udp, "tcp": self.tcp}, file)
        os.replace(self.result + ".new", self.result)

    def run(self):
        due = 0
        while running:
            for key, _ in self.selector.select(0.05):
                key.data(key.fileobj)
            if time.monotonic() >= due:
                self.write()
                due = time.monotonic() + 0.1
        self.write()


def send(name, source, to, port, rate):
    family, _, _, _, there = endpoint(to, port)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sent, size = 0, int(os.environ.get("VG_DATAGRAM", 0))
    for number in paced(rate):
        sock.sendto(f"{name} {number}".ljust(size).encode(), there)
        sent = number + 1
    return {"sent": sent}


def connect(source, to, port, rate):
    family, _, _, _, there = endpoint(to, port)
    done = {"succeeded": 0, "failed": 0, "retransmits": 0}
    for _ in paced(rate):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.settimeout(float(os.environ.get("VG_PATIENCE", 10)))
                sock.bind((source, 0))
                sock.connect(there)
                sock.sendall(b"hello\n")
                if sock.recv(16) == b"hello\n":
                    done["succeeded"] += 1
                done["retransmits"] += retransmits(sock)
        except TimeoutError:
            done["failed"] += 1
    return done


def stream(source, to, port, rate):
    family, _, _, _, there = endpoint(to, port)
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(30)
        sock.bind((source, 0))
        sock.connect(there)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = sock.makefile("r", encoding="ascii")
        done = {"lines": 0, "wrong": 0}
        for number in paced(rate):
            sock.sendall(f"{number}\n".encode())
            done["wrong"] += answers.readline() != f"{number}\n"
            done["lines"] += 1
        done["retransmits"] = retransmits(sock)
    return done


def main():
    signal.signal(signal.SIGTERM, stop)
    command, *rest = sys.argv[1:]
    if command == "receive":
        Receiver(int(rest[0]), rest[1]).run()
        return
    *words, port, rate = rest
    action = {"send": send, "connect": connect, "stream": stream}[command]
    print(json.dumps(action(*words, int(port), float(rate))))


main()
