# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets as bytes. Addresses are text; the family is theirs."""
import socket
import struct

ICMP, TCP, UDP, IPV6_FRAGMENT, GRE, ICMP6, IPV6_OPTIONS = 1, 6, 17, 44, 47, 58, 60
FIN, SYN, RST, ACK = 1, 2, 4, 16


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def pack(address):
    return socket.inet_pton(family(address), address)


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _summed(source, to, protocol, data, at):
    """`data` with the checksum over it and the pseudo header at offset `at`."""
    pseudo = pack(source) + pack(to) + struct.pack("!II", len(data), protocol)
    return data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2:]


def udp(source, to, source_port, port, data=b""):
    header = struct.pack("!HHHH", source_port, port, 8 + len(data), 0)
    return _summed(source, to, UDP, header + data, 6)


def tcp(source, to, source_port, port, flags, data=b""):
    header = struct.pack("!HHIIBBHHH", source_port, port, 1000, 2000 if flags & ACK else 0, 5 << 4,
                         flags, 65535, 0, 0)
    return _summed(source, to, TCP, header + data, 16)


def icmp(source, to, kind, code, rest=0, data=b""):
    """ICMP or ICMPv6; `rest` is the second word of its header."""
    message = struct.pack("!BBHI", kind, code, 0, rest) + data
    if family(source) == socket.AF_INET6:
        return _summed(source, to, ICMP6, message, 2)
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def ip4(source, to, protocol, data, *, ident=1, offset=0, more=False, tos=0):
    """`offset` is in bytes, a multiple of 8."""
    header = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(data), ident,
                         offset // 8 | more << 13, 64, protocol, 0) + pack(source) + pack(to)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + data


def ip6(source, to, next_header, data, *, tos=0):
    return struct.pack("!IHBB", 6 << 28 | tos << 20, len(data), next_header, 64) + \
        pack(source) + pack(to) + data


def fragment6(next_header, data, *, ident=1, offset=0, more=False):
    """An IPv6 fragment header and `data`."""
    return struct.pack("!BBHI", next_header, 0, offset | more, ident) + data


def options6(next_header, size, data=b""):
    """IPv6 destination options of `size` bytes, all of it padding, and `data`."""
    padding = size - 4
    return struct.pack("!BBBB", next_header, size // 8 - 1, 1, padding) + bytes(padding) + data


def ip(source, to, protocol, data, *, tos=0):
    return (ip6 if family(source) == socket.AF_INET6 else ip4)(source, to, protocol, data, tos=tos)
