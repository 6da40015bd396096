#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fragments that try to carry what is refused behind what is admitted.

fragments.py attack NIC MAC SOURCE TO PORT [FLOW]  sends every shape and prints one line each: SHAPE,
                                                   its source port, what was counted, what should be
fragments.py hold FROM TO PORT FLOW                opens UDP and TCP towards there, until SIGTERM
fragments.py listen RESULT                         notes what UDP and TCP arrive, until SIGTERM

Port 7000 (UDP and TCP) is open to the attacker, port 7100 isn't: each shape tries to have a UDP
datagram or a TCP SYN of its own source port put together at 7100. With FLOW, a file, what is admitted
are not packets to port 7000 but those of flows that the host has opened. PORT is the first of the
source ports; they are the fragments' ids too.
"""
import collections
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time

import packets as p

OPEN, REFUSED = 7000, 7100
running = True


def stop(*_):
    global running
    running = False


class Attack:
    """One shape's source port, and pieces of two datagrams that differ in the port they go to."""

    def __init__(self, source, to, port, flow):
        self.source, self.to, self.port, self.flow = source, to, port, flow
        self.six = p.family(to) == socket.AF_INET6

    def ports(self, protocol, port):
        if port == OPEN and self.flow:
            return self.flow["port"], self.flow[protocol]
        return self.port, port

    def udp(self, port):
        return p.udp(self.source, self.to, *self.ports("udp", port), bytes(range(64)))

    def tcp(self, port, flags=p.SYN):
        return p.tcp(self.source, self.to, *self.ports("tcp", port), flags, bytes(range(64)))

    def piece(self, protocol, data, offset=0, more=True):
        if self.six:
            return p.ip6(self.source, self.to, p.IPV6_FRAGMENT,
                         p.fragment6(protocol, data, ident=self.port, offset=offset, more=more))
        return p.ip4(self.source, self.to, protocol, data, ident=self.port, offset=offset, more=more)

    def first(self, port, protocol=p.UDP, size=32):
        return self.piece(protocol, self.whole(port, protocol)[:size])

    def last(self, port, protocol=p.UDP, offset=32):
        return self.piece(protocol, self.whole(port, protocol)[offset:], offset, False)

    def whole(self, port, protocol):
        return self.udp(port) if protocol == p.UDP else self.tcp(port)


# A shape yields its packets, each with what is to become of it. A later fragment that follows none may
# be for the refused port.
SHAPES = {}


def shape(families="46"):
    def add(function):
        SHAPES[function.__name__.replace("_", "-")] = families, function
        return function
    return add


@shape()
def plain_udp(a):
    yield a.first(REFUSED), "unlisted"
    yield a.last(REFUSED), "unlisted"


@shape()
def plain_tcp(a):
    yield a.first(REFUSED, p.TCP), "unlisted"
    yield a.last(REFUSED, p.TCP), "unlisted"


@shape()
def tiny_tcp_of_8_bytes(a):
    yield a.first(REFUSED, p.TCP, 8), "fragment"
    yield a.last(REFUSED, p.TCP, 8), "fragment"


@shape()
def tiny_tcp_of_16_bytes(a):
    yield a.first(REFUSED, p.TCP, 16), "fragment"
    yield a.last(REFUSED, p.TCP, 16), "fragment"


@shape()
def tiny_tcp_to_the_open_port(a):
    yield a.first(OPEN, p.TCP, 8), "fragment"
    yield a.last(REFUSED, p.TCP, 8), "fragment"


@shape("4")
def tiny_udp_of_4_bytes(a):
    yield a.first(OPEN, size=4), "fragment"
    yield a.last(REFUSED, offset=8), "unlisted"


@shape("6")
def tiny_udp_behind_options(a):
    yield a.piece(p.IPV6_OPTIONS, p.options6(p.UDP, 8)), "fragment"
    yield a.piece(p.IPV6_OPTIONS, a.udp(REFUSED), 8, False), "unlisted"


@shape()
def header_split_at_8(a):
    """RFC 3128: the flags that count come with the second fragment."""
    yield a.piece(p.TCP, a.tcp(OPEN, p.ACK)[:32]), "open"
    yield a.last(REFUSED, p.TCP, 8), "fragment"


@shape()
def header_split_at_16(a):
    yield a.piece(p.TCP, a.tcp(OPEN, p.ACK)[:32]), "open"
    yield a.last(REFUSED, p.TCP, 16), "fragment"


@shape("6")
def port_rewritten_behind_options(a):
    """The second fragment begins where the options end: at the UDP header."""
    yield a.piece(p.IPV6_OPTIONS, p.options6(p.UDP, 16, a.udp(OPEN)[:32])), "open"
    yield a.piece(p.IPV6_OPTIONS, a.udp(REFUSED), 16, False), "fragment"


@shape("6")
def options_rewritten(a):
    """The second fragment makes the options shorter, and a UDP header of their end."""
    yield a.piece(p.IPV6_OPTIONS, p.options6(p.UDP, 24, a.udp(OPEN)[:32])), "open"
    yield a.piece(p.IPV6_OPTIONS, a.udp(REFUSED), 8, False), "fragment"


@shape()
def overlap_behind_the_header(a):
    yield a.first(OPEN, size=40), "open"
    yield a.last(REFUSED, offset=24), "open"


@shape()
def second_first_after(a):
    yield a.first(OPEN), "open"
    yield a.first(REFUSED), "unlisted"
    yield a.last(REFUSED), "unlisted"


@shape()
def second_first_before(a):
    yield a.first(REFUSED), "unlisted"
    yield a.first(OPEN), "open"
    yield a.last(REFUSED), "open"


@shape()
def second_first_of_another_size(a):
    yield a.first(OPEN, size=24), "open"
    yield a.first(REFUSED, size=32), "unlisted"
    yield a.last(REFUSED, offset=24), "unlisted"


@shape()
def last_before_refused_first(a):
    yield a.last(REFUSED), "unlisted"
    yield a.first(REFUSED), "unlisted"


@shape()
def last_before_both_firsts(a):
    yield a.last(REFUSED), "unlisted"
    yield a.first(REFUSED), "unlisted"
    yield a.first(OPEN), "open"


@shape()
def id_again_after_admitted(a):
    yield a.first(OPEN), "open"
    yield a.last(OPEN), "open"
    yield a.first(REFUSED), "unlisted"
    yield a.last(REFUSED), "unlisted"


@shape()
def id_again_last_kept(a):
    """The refused datagram's end is let in on the admitted one's memory, its first fragment later."""
    yield a.first(OPEN), "open"
    yield a.last(REFUSED), "open"
    yield a.last(REFUSED), "open"
    yield a.first(REFUSED), "unlisted"


@shape()
def protocol_switched_to_tcp(a):
    yield a.first(OPEN), "open"
    yield a.last(REFUSED, p.TCP), "open" if a.six else "unlisted"


@shape()
def protocol_switched_around(a):
    yield a.first(REFUSED, p.TCP), "unlisted"
    yield a.first(OPEN), "open"
    yield a.last(REFUSED, p.TCP), "open" if a.six else "unlisted"


@shape("6")
def protocol_switched_to_hide_the_offset(a):
    """The second fragment calls itself options, which have no header to protect."""
    yield a.piece(p.TCP, a.tcp(OPEN, p.ACK)[:32]), "open"
    yield a.piece(p.IPV6_OPTIONS, a.tcp(REFUSED)[16:], 16, False), "fragment"


@shape("6")
def atomic_udp(a):
    yield a.piece(p.UDP, a.udp(REFUSED), 0, False), "unlisted"


@shape("6")
def atomic_tcp(a):
    yield a.piece(p.TCP, a.tcp(REFUSED), 0, False), "unlisted"


@shape("6")
def atomic_between_admitted(a):
    yield a.first(OPEN), "open"
    yield a.piece(p.UDP, a.udp(REFUSED), 0, False), "unlisted"
    yield a.last(OPEN), "open"


@shape("6")
def hidden_by_nine_headers(a):
    chain = b"".join(p.options6(n, 8) for n in [p.IPV6_OPTIONS] * 8 + [p.UDP]) + a.udp(REFUSED)
    yield a.piece(p.IPV6_OPTIONS, chain[:96]), "fragment"
    yield a.piece(p.IPV6_OPTIONS, chain[96:], 96, False), "unlisted"


@shape("6")
def fragment_header_behind_eight(a):
    """Linux finds it there; the filter can't tell it from any packet behind so many headers."""
    data = a.udp(REFUSED)
    options = b"".join(p.options6(n, 8) for n in [p.IPV6_OPTIONS] * 7 + [p.IPV6_FRAGMENT])
    for part, offset in (data[:32], 0), (data[32:], 32):
        fragment = p.fragment6(p.UDP, part, ident=a.port, offset=offset, more=not offset)
        yield p.ip6(a.source, a.to, p.IPV6_OPTIONS, options + fragment), "unlisted"


@shape("6")
def hidden_by_long_options(a):
    chain = p.options6(p.UDP, 256, a.udp(REFUSED))
    yield a.piece(p.IPV6_OPTIONS, chain[:64]), "fragment"
    yield a.piece(p.IPV6_OPTIONS, chain[64:], 64, False), "unlisted"


@shape("6")
def nested_first(a):
    inner = p.fragment6(p.UDP, a.udp(REFUSED), ident=a.port + 1, more=True)
    yield a.piece(p.IPV6_FRAGMENT, inner[:32]), "fragment"
    yield a.piece(p.IPV6_FRAGMENT, inner[32:], 32, False), "unlisted"


@shape("6")
def nested_atomic(a):
    inner = p.fragment6(p.UDP, a.udp(REFUSED), ident=a.port + 1)
    yield a.piece(p.IPV6_FRAGMENT, inner[:32]), "unlisted"
    yield a.piece(p.IPV6_FRAGMENT, inner[32:], 32, False), "unlisted"


@shape("6")
def nested_in_atomic(a):
    data = a.udp(REFUSED)
    first = p.fragment6(p.UDP, data[:32], ident=a.port + 1, more=True)
    last = p.fragment6(p.UDP, data[32:], ident=a.port + 1, offset=32)
    yield a.piece(p.IPV6_FRAGMENT, first, 0, False), "unlisted"
    yield a.piece(p.IPV6_FRAGMENT, last, 0, False), "unlisted"


@shape("6")
def nested_header_rewritten(a):
    """The outer second fragment begins at the UDP header behind the inner fragment header."""
    yield a.piece(p.IPV6_FRAGMENT, p.fragment6(p.UDP, a.udp(OPEN)[:32], ident=a.port + 1)), "open"
    yield a.piece(p.IPV6_FRAGMENT, a.udp(REFUSED), 8, False), "fragment"


@shape()
def past_the_end(a):
    yield a.first(OPEN), "open"
    yield a.piece(p.UDP, a.udp(REFUSED), 65512, False), "open"


def counted():
    out = subprocess.run([os.environ["VPCGATE"], "--bpffs", os.environ["VG_BPFFS"], "counters",
                          "--json"], check=True, capture_output=True).stdout
    counts = collections.Counter()
    for row in json.loads(out)["counters"]:
        if row["reason"] != "essential":  # the hosts' own chatter
            counts[row["reason"]] += row["packets"]
    return counts


def attack(nic, mac, source, to, port, flow=None):
    if flow:
        with open(flow, encoding="ascii") as file:
            flow = json.load(file)
    open_word = "reply" if flow else "open"
    ethertype = 0x86dd if p.family(to) == socket.AF_INET6 else 0x0800
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind((nic, 0))
    header = bytes.fromhex(mac.replace(":", "")) + wire.getsockname()[4] + struct.pack("!H", ethertype)
    before = counted()
    for number, (name, (families, function)) in enumerate(SHAPES.items()):
        a = Attack(source, to, int(port) + 2 * number, flow)
        if ("6" if a.six else "4") not in families:
            continue
        expected = collections.Counter()
        for packet, outcome in function(a):
            expected[open_word if outcome == "open" else outcome] += 1
            wire.send(header + packet)
        deadline = time.monotonic() + 5
        while (now := counted()).total() < before.total() + expected.total():
            if time.monotonic() > deadline:
                break
        print(name, a.port, *(",".join(f"{k}:{v}" for k, v in sorted(c.items()))
                              for c in (now - before, expected)))
        before = now


def hold(source, to, port, flow):
    """The other side answers, so that the flows are open; what comes later is left unread."""
    ports, held = {"port": int(port)}, []
    for name, kind in ("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM):
        sock = socket.socket(p.family(to), kind)
        sock.settimeout(10)
        sock.bind((source, 0))
        sock.connect((to, int(port)))
        sock.send(b"0")
        sock.recv(16)
        ports[name] = sock.getsockname()[1]
        held.append(sock)
    with open(flow, "w", encoding="ascii") as file:
        json.dump(ports, file)
    while running:
        time.sleep(0.05)


def listen(result):
    """{SOURCE PORT: [what, ...]}: what a raw socket sees put together, and what a socket gets."""
    seen = collections.defaultdict(set)
    selector = selectors.DefaultSelector()
    for family in socket.AF_INET, socket.AF_INET6:
        for protocol in p.UDP, p.TCP:
            raw = socket.socket(family, socket.SOCK_RAW, protocol)
            selector.register(raw, selectors.EVENT_READ, (family, protocol))
    for port in OPEN, REFUSED:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind(("::", port))
        selector.register(sock, selectors.EVENT_READ, port)
        # Not accepted: the answer to a SYN is seen by the raw socket of whoever sent it.
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.bind(("::", port))
        listener.listen(128)
    while running:
        for key, _ in selector.select(0.05):
            data, address = key.fileobj.recvfrom(65536)
            if isinstance(key.data, int):
                seen[address[1]].add(f"socket:{key.data}")
                continue
            family, protocol = key.data
            l4 = data[20:] if family == socket.AF_INET else data
            source, port = struct.unpack("!HH", l4[:4])
            seen[source].add(f"{'udp' if protocol == p.UDP else 'tcp'}:{port}")
        with open(result + ".new", "w", encoding="ascii") as file:
            json.dump({port: sorted(what) for port, what in seen.items()}, file)
        os.replace(result + ".new", result)


def main():
    signal.signal(signal.SIGTERM, stop)
    {"attack": attack, "hold": hold, "listen": listen}[sys.argv[1]](*sys.argv[2:])


main()
