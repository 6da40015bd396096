#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares three readings of the counters: compare_counters.py CLI METRICS LABELS COUNTERS SERVICES

CLI is `vpcgate counters --json`, METRICS the text of /metrics, and the rest are dumps of the maps
by `bpftool -j map dump`. Prints each difference and exits 1 if there is one. The order of the rows
and the layout of the maps are written down here once more, independently of the sources.
"""
import json
import re
import struct
import sys

PASSES = ["essential", "non-ip", "open", "admitted", "reply", "related"]
DROPS = ["malformed", "non-ip", "martian", "fragment", "not-admitted", "unlisted"]
ROWS = ([("pass", reason) for reason in PASSES] + [("drop", reason) for reason in DROPS] +
        [("would-drop", reason) for reason in DROPS])
VERDICTS = ["pass", "drop", "would-drop"]
INTERFACES, SOURCES, SERVICES = 16, 64, 1024


def map_bytes(value):
    return bytes(int(byte, 16) for byte in value)


def summed(element):
    """One element of a per-CPU map as 64-bit numbers, added up over the CPUs."""
    total = None
    for cpu in element["values"]:
        data = map_bytes(cpu["value"])
        numbers = struct.unpack(f"={len(data) // 8}Q", data)
        total = [a + b for a, b in zip(total, numbers)] if total else list(numbers)
    return total


def elements(path):
    with open(path, encoding="ascii") as file:
        for element in json.load(file):
            yield int.from_bytes(map_bytes(element["key"]), sys.byteorder), element


def from_maps(labels_path, counters_path, services_path):
    labels = {index: map_bytes(element["value"]).split(b"\0")[0].decode()
              for index, element in elements(labels_path)}
    counts, services = {}, {}
    for slot, element in elements(counters_path):
        numbers = summed(element)
        assert len(numbers) == 2 * len(ROWS) * SOURCES, "the layout of the map has changed"
        for row, (verdict, reason) in enumerate(ROWS):
            for source in range(SOURCES):
                at = 2 * (row * SOURCES + source)
                name = labels[INTERFACES + source] if source else None
                if any(numbers[at:at + 2]):
                    counts[labels[slot], verdict, reason, name] = tuple(numbers[at:at + 2])
    for index, element in elements(services_path):
        slot, service = divmod(index, SERVICES)
        name = labels[INTERFACES + SOURCES + service]
        numbers = summed(element)
        for i, verdict in enumerate(VERDICTS):
            if numbers[2 * i]:
                services[labels[slot], name, verdict] = numbers[2 * i]
    return counts, services


def from_cli(path):
    with open(path, encoding="utf-8") as file:
        answer = json.load(file)
    counts = {(c["interface"], c["verdict"], c["reason"], c["source"]): (c["packets"], c["bytes"])
              for c in answer["counters"]}
    services = {(c["interface"], c["service"], c["verdict"]): c["packets"]
                for c in answer["services"]}
    return counts, services


def from_metrics(path):
    packets, octets, services = {}, {}, {}
    line_of = re.compile(r"(\w+)\{(.*)\} (\d+)$")
    with open(path, encoding="utf-8") as file:
        for match in filter(None, map(line_of.match, file)):
            name, value = match[1], int(match[3])
            label = dict(re.findall(r'(\w+)="([^"]*)"', match[2]))
            if name in ("vpcgate_packets_total", "vpcgate_bytes_total"):
                source = None if label["source"] == "none" else label["source"]
                key = label["interface"], label["verdict"], label["reason"], source
                (packets if name == "vpcgate_packets_total" else octets)[key] = value
            elif name == "vpcgate_service_packets_total":
                services[label["interface"], label["service"], label["verdict"]] = value
    return {key: (packets[key], octets.get(key)) for key in packets}, services


def differences(what, name, one, maps):
    different = 0
    for key in sorted(set(one) | set(maps), key=str):
        if one.get(key) != maps.get(key):
            print(f"{what} {key}: {name} says {one.get(key)}, the maps {maps.get(key)}")
            different += 1
    return different


def main():
    cli, metrics, labels, counters, services = sys.argv[1:]
    maps = from_maps(labels, counters, services)
    different = sum(differences(what, name, reading[i], maps[i])
                    for name, reading in (("vpcgate counters", from_cli(cli)),
                                          ("/metrics", from_metrics(metrics)))
                    for i, what in enumerate(("counter", "service")))
    print(f"{len(maps[0])} counters and {len(maps[1])} service counters, {different} differences")
    sys.exit(1 if different or not maps[0] or not maps[1] else 0)


main()
