#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Answers every DNS question over UDP with 192.0.2.53: dns_server.py PORT"""
import socket
import struct
import sys


def main():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", int(sys.argv[1])))
    while True:
        query, asker = sock.recvfrom(4096)
        # The question ends behind the name's empty label, its type and its class.
        question = query[12:query.index(0, 12) + 5]
        answer = struct.pack("!HHHIH", 0xc00c, 1, 1, 60, 4) + socket.inet_aton("192.0.2.53")
        header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
        sock.sendto(header + question + answer, asker)


main()
