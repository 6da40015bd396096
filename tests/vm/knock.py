#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Knocks at a guest all the time, and sees each frame that it answers with.

knock.py INTERFACE MAC RESULT NAME=FROM,TO...

Every 10 ms each NAME sends a numbered echo request, and a SYN to a closed port. RESULT is replaced
ten times a second: {NAME: {"sent": echo requests, "answered": of those, "first", "last": the
numbers of the first and the last one that was, "lost": how many between the two weren't, "frames":
IP frames of any kind from MAC to FROM}}. It ends with SIGTERM, half a second after the last knock.
"""
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import sys
import time

INTERVAL_S = 0.01
RESULT_S = 0.1
LINGER_S = 0.5
PORT = 9
ETH_IP, ETH_IPV6 = 0x0800, 0x86dd
running = True


def stop(*_):
    global running
    running = False


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Sender:
    def __init__(self, index, source, to, macs):
        self.index = index
        self.source, self.to = ipaddress.ip_address(source), ipaddress.ip_address(to)
        self.four = self.source.version == 4
        self.ethernet = macs + struct.pack("!H", ETH_IP if self.four else ETH_IPV6)
        self.sent = self.frames = 0
        self.answered = set()

    def frame(self, protocol, payload):
        addresses = self.source.packed + self.to.packed
        if not self.four:
            return (self.ethernet + struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) +
                    addresses + payload)
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
        header = header[:10] + struct.pack("!H", checksum(header + addresses))
        return self.ethernet + header + addresses + payload

    def pseudo(self, protocol, payload):
        return (self.source.packed + self.to.packed +
                struct.pack("!II", len(payload), protocol) + payload)

    def echo(self):
        kind, protocol = (8, socket.IPPROTO_ICMP) if self.four else (128, socket.IPPROTO_ICMPV6)
        message = struct.pack("!BBHHHI", kind, 0, 0, self.index, self.sent & 0xffff, self.sent)
        total = checksum(message if self.four else self.pseudo(protocol, message))
        self.sent += 1
        return self.frame(protocol, message[:2] + struct.pack("!H", total) + message[4:])

    def syn(self):
        port = 20000 + self.sent % 10000
        header = struct.pack("!HHIIBBHHH", port, PORT, self.sent, 0, 5 << 4, 2, 65535, 0, 0)
        total = checksum(self.pseudo(socket.IPPROTO_TCP, header))
        return self.frame(socket.IPPROTO_TCP, header[:16] + struct.pack("!H", total) + header[18:])

    def see(self, packet):
        """A frame to this sender, from the IP header on."""
        self.frames += 1
        protocol, message = (packet[9], packet[20:]) if self.four else (packet[6], packet[40:])
        if protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6) and len(message) >= 12 and \
                message[0] in (0, 129) and message[4:6] == struct.pack("!H", self.index):
            self.answered.add(struct.unpack("!I", message[8:12])[0])

    def result(self):
        first, last = min(self.answered, default=None), max(self.answered, default=None)
        return {"sent": self.sent, "answered": len(self.answered), "first": first, "last": last,
                "lost": last - first + 1 - len(self.answered) if self.answered else 0,
                "frames": self.frames}


def destination(frame):
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == ETH_IP:
        return frame[30:34]
    return frame[38:54] if kind == ETH_IPV6 else None


def receive(sock, mac, senders, seconds):
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([sock], [], [], left)[0]:
            return
        frame = sock.recv(65536)
        sender = senders.get(destination(frame)) if frame[6:12] == mac else None
        if sender:
            sender.see(frame[14:])


def write(path, senders):
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump({name: sender.result() for name, sender in senders.items()}, file)
    os.replace(path + ".new", path)


def main():
    signal.signal(signal.SIGTERM, stop)
    interface, mac, path, *rest = sys.argv[1:]
    mac = bytes.fromhex(mac.replace(":", ""))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
    sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    sock.bind((interface, 0))
    own = sock.getsockname()[4]
    senders = {}
    for index, word in enumerate(rest):
        name, addresses = word.split("=")
        senders[name] = Sender(index, *addresses.split(","), mac + own)
    by_source = {sender.source.packed: sender for sender in senders.values()}
    due = 0
    while running:
        for sender in senders.values():
            sock.send(sender.echo())
            sock.send(sender.syn())
        receive(sock, mac, by_source, INTERVAL_S)
        if time.monotonic() >= due:
            write(path, senders)
            due = time.monotonic() + RESULT_S
    receive(sock, mac, by_source, LINGER_S)
    write(path, senders)


main()
