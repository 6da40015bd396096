#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that nobody has asked for, and packets of protocols without sockets.

probe.py send FROM TO FLOW       one packet of each kind that no flow of TO's answers for; prints their
                                 number. FLOW is JSON: {"port": FROM's port, "tcp", "udp": TO's ports}
                                 of open flows
probe.py in-flow FROM TO FLOW    one UDP packet that belongs to the flow; prints 1
probe.py watch NIC RESULT        what arrives there from outside, until SIGTERM; RESULT is replaced
                                 ten times a second: {KIND: packets}, "" being all that isn't a probe
probe.py ask FROM TO PROTOCOL    sends numbered packets of that IP protocol until ten are answered
probe.py answer PROTOCOL         answers them, in both families, until SIGTERM

A probe's kind is in its DSCP, 1 to 47: from 48 on an ICMP error may have one of its own.
"""
import collections
import json
import os
import select
import signal
import socket
import struct
import sys
import time

import packets as p

SCTP, PROBED_PROTOCOL = 132, 253
LISTENING, IDLE = 9000, 12345
running = True


def stop(*_):
    global running
    running = False


def quotes(here, there, flow):
    """Packets that `there` hasn't sent to `here`, by what is wrong with them."""
    six = p.family(here) == socket.AF_INET6
    stranger = "fd20:1:2::77" if six else "10.128.0.77"
    port, tcp, udp = flow["port"], flow["tcp"], flow["udp"]
    return {
        "tcp": p.ip(there, here, p.TCP, p.tcp(there, here, IDLE, port, p.ACK)),
        "udp": p.ip(there, here, p.UDP, p.udp(there, here, udp, IDLE)),
        "reversed": p.ip(here, there, p.TCP, p.tcp(here, there, port, tcp, p.ACK)),
        "of-another": p.ip(stranger, here, p.UDP, p.udp(stranger, here, udp, port)),
        "cut": p.ip(there, here, p.TCP, p.tcp(there, here, tcp, port, p.ACK)[:2]),
    }


def errors(here, there, flow):
    """Every kind of error with one quote, and one kind of error with every quote."""
    six = p.family(here) == socket.AF_INET6
    kinds = {"unreachable": (1, 4, 0), "too-big": (2, 0, 1280), "time-exceeded": (3, 0, 0),
             "parameter-problem": (4, 0, 0)} if six else {
        "unreachable": (3, 3, 0), "too-big": (3, 4, 1280), "time-exceeded": (11, 0, 0),
        "parameter-problem": (12, 0, 0), "source-quench": (4, 0, 0), "redirect": (5, 1, 0)}
    quoted = quotes(here, there, flow)
    for name, kind in kinds.items():
        yield f"{name}-tcp", p.icmp(here, there, *kind, quoted["tcp"])
    for name, quote in quoted.items():
        if name != "tcp":
            yield f"too-big-{name}", p.icmp(here, there, *kinds["too-big"], quote)
    yield "too-big-nothing", p.icmp(here, there, *kinds["too-big"])


def probes(here, there, flow):
    """(kind, protocol, L4): what `here` may try on `there`."""
    six = p.family(here) == socket.AF_INET6
    port, tcp, udp = flow["port"], flow["tcp"], flow["udp"]
    for name, source, to in (("idle", IDLE, IDLE), ("listening", IDLE, LISTENING),
                             ("to-flow", IDLE, tcp), ("in-flow", port, tcp)):
        yield f"syn-{name}", p.TCP, p.tcp(here, there, source, to, p.SYN)
    for name, flags in (("syn-ack", p.SYN | p.ACK), ("ack", p.ACK), ("rst", p.RST), ("fin", p.FIN),
                        ("fin-ack", p.FIN | p.ACK), ("no-flags", 0)):
        yield f"{name}-from-service", p.TCP, p.tcp(here, there, port, IDLE, flags)
        yield f"{name}-to-flow", p.TCP, p.tcp(here, there, IDLE, tcp, flags, b"x")
    for name, source, to in (("from-service", port, IDLE), ("to-flow", IDLE, udp),
                             ("listening", IDLE, LISTENING), ("tcp-port", port, tcp)):
        yield f"udp-{name}", p.UDP, p.udp(here, there, source, to, b"x")
    icmp = p.ICMP6 if six else p.ICMP
    for name, message in errors(here, there, flow):
        yield name, icmp, message
    yield "echo", icmp, p.icmp(here, there, 128 if six else 8, 0, 1, b"x")
    yield "echo-reply", icmp, p.icmp(here, there, 129 if six else 0, 0, 1, b"x")
    yield "sctp", SCTP, struct.pack("!HHII", port, tcp, 0, 0)
    yield "protocol", PROBED_PROTOCOL, b"x"


def kinds():
    """Names by DSCP."""
    flow = {"port": 1, "tcp": 2, "udp": 3}
    names = dict.fromkeys(kind for here in ("192.0.2.1", "2001:db8::1")
                          for kind, *_ in probes(here, here, flow))
    assert len(names) < 48
    return dict(enumerate(names, 1))


def raw_sender(address):
    """Takes packets with their IP header."""
    return socket.socket(p.family(address), socket.SOCK_RAW, socket.IPPROTO_RAW)


def send(here, there, flow):
    sock, sent = raw_sender(there), 0
    dscp = {name: number for number, name in kinds().items()}
    for kind, protocol, data in probes(here, there, flow):
        sock.sendto(p.ip(here, there, protocol, data, tos=dscp[kind] << 2), (there, 0))
        sent += 1
    print(sent)


def send_in_flow(here, there, flow):
    data = p.udp(here, there, flow["port"], flow["udp"], b"0")
    raw_sender(there).sendto(p.ip(here, there, p.UDP, data), (there, 0))
    print(1)


def tos_of(packet):
    return packet[1] if packet[0] >> 4 == 4 else struct.unpack("!H", packet[:2])[0] >> 4 & 255


def replace(path, result):
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump(result, file)
    os.replace(path + ".new", path)


def watch(nic, result):
    # SOCK_DGRAM: without the Ethernet header. A tap sees only what XDP has passed.
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    wire.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    wire.bind((nic, 3))
    wire.setblocking(False)
    seen, names, due = collections.Counter(), kinds(), 0
    while running:
        if select.select([wire], [], [], 0.05)[0]:
            packet, (_, ethertype, direction, *_) = wire.recvfrom(128)
            if direction != socket.PACKET_OUTGOING and ethertype in (0x0800, 0x86dd):
                seen[names.get(tos_of(packet) >> 2, "")] += 1
        if time.monotonic() >= due:
            replace(result, seen)
            due = time.monotonic() + 0.1


def raw(family, protocol):
    return socket.socket(family, socket.SOCK_RAW, protocol)


def body(family, data):
    return data[(data[0] & 15) * 4:] if family == socket.AF_INET else data


def turned(protocol, data):
    """SCTP has ports, which the answer has the other way around."""
    return data[2:4] + data[:2] + data[4:] if protocol == SCTP else data


def ask(here, there, protocol):
    family = p.family(there)
    sock = raw(family, protocol)
    sock.bind((here, 0))
    sock.settimeout(0.2)
    answered, deadline = 0, time.monotonic() + 20
    for number in range(10000):
        question = struct.pack("!HHII", 40000, 40001, number, 0)
        sock.sendto(question, (there, 0))
        try:
            answered += body(family, sock.recv(4096)) == turned(protocol, question)
        except TimeoutError:
            pass
        if answered == 10 or time.monotonic() > deadline:
            break
    print(answered)


def answer(protocol):
    socks = {raw(family, protocol): family for family in (socket.AF_INET, socket.AF_INET6)}
    while running:
        for sock in select.select(socks, [], [], 0.1)[0]:
            data, asker = sock.recvfrom(4096)
            sock.sendto(turned(protocol, body(socks[sock], data)), (asker[0], 0))


def main():
    signal.signal(signal.SIGTERM, stop)
    command, *rest = sys.argv[1:]
    if command == "watch":
        watch(*rest)
    elif command in ("ask", "answer"):
        {"ask": ask, "answer": answer}[command](*rest[:-1], int(rest[-1]))
    else:
        {"send": send, "in-flow": send_in_flow}[command](*rest[:2], json.loads(rest[2]))


main()
