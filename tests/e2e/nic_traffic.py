#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames on whatever NICs there are at the moment.

nic_traffic.py send DENIED ADMITTED TO   every 2 ms times $VG_SLOW, on each NIC of this namespace, one
                                         UDP frame from either IPv4 address, until SIGTERM
nic_traffic.py watch RESULT              what comes in on any NIC of this namespace, until SIGTERM:
                                         a line "TIME SENDER KIND" each, where TIME is the kernel's, in
                                         microseconds since 1970, SENDER the NIC that it was sent
                                         by, and KIND denied or admitted

The frames are broadcast, so that no NIC needs an address, and no neighbour has to be known.
"""
import os
import signal
import socket
import struct
import sys
import time

ETH_P_IP = 0x0800
# From asm-generic/socket.h and linux/socket.h; the module has no names for them.
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
IPV4_BYTES, UDP_BYTES = 20, 8
HEADERS = 14 + IPV4_BYTES + UDP_BYTES
MAGIC = "vpcgate-nic"
PERIOD_S = 0.002 * int(os.environ.get("VG_SLOW", "1"))
running = True


def stop(*_):
    global running
    running = False


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def frame(source, to, sender, kind):
    payload = f"{MAGIC} {sender} {kind}".encode()
    udp = struct.pack("!HHHH", 9, 9, UDP_BYTES + len(payload), 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, IPV4_BYTES + UDP_BYTES + len(payload), 0, 0, 64,
                     socket.IPPROTO_UDP, 0, socket.inet_aton(source), socket.inet_aton(to))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\xff" * 6 + b"\x02" + bytes(5) + struct.pack("!H", ETH_P_IP) + ip + udp + payload


def send(denied, admitted, to):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    while running:
        for _, name in socket.if_nameindex():
            for source, kind in (denied, "denied"), (admitted, "admitted"):
                try:
                    if name != "lo":
                        sock.sendto(frame(source, to, name, kind), (name, ETH_P_IP))
                except OSError:
                    pass  # it is down, or has just gone
        time.sleep(PERIOD_S)


def watch(result):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.settimeout(0.1)
    with open(result, "w", buffering=1, encoding="ascii") as out:
        while running:
            try:
                data, ancillary, _, _ = sock.recvmsg(512, 64)
            except OSError:
                continue  # nothing came, or a NIC went down
            words = data[HEADERS:].decode(errors="replace").split()
            if words[:1] == [MAGIC] and ancillary:
                seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
                print(seconds * 1000000 + nanoseconds // 1000, *words[1:], file=out)


signal.signal(signal.SIGTERM, stop)
{"send": send, "watch": watch}[sys.argv[1]](*sys.argv[2:])
