#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kills the daemon at random moments, and looks what the kernel does then.

killed.py SEED KILLS GATED CLIENT FOLDER DAEMON...
    GATED and CLIENT are network namespaces with a pair of NICs, ens4 and eth4. In FOLDER are the
    config, the socket control.sock and the bpffs folder of the daemon, which DAEMON... starts in
    GATED. Two policies take turns. Whatever happens, the frames that pass are those of one of the
    two. Prints what it has seen as JSON; what is wrong goes to standard error, and the exit is 1.
"""
import collections
import ctypes
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

SLOW = int(os.environ.get("VG_SLOW", "1"))  # seconds to wait are times that
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
MARK = b"vpcgate-killed"
AT_ONCE = 64  # frames; a veth that is filtered natively has room for 256
PREFIXES = 64  # of each family and policy, out of twice as many
ADMITTED_ALWAYS = 2 * PREFIXES  # of each family: the number of its prefix
BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET = 1, 2, 7
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]

libc = ctypes.CDLL(None, use_errno=True)


class Wrong(Exception):
    pass


def in_netns(name, what):
    """What `what` makes in a namespace, such as a socket, which stays there."""
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return what()
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    result = libc.syscall(SYS_BPF, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return result


# ---- frames ----

def source(family, number):
    if family == 4:
        return bytes([10, 200 + number // 100, number % 100, 7])
    return socket.inet_pton(socket.AF_INET6, f"fd20:{number:x}::7")


def prefix(family, number):
    return (f"10.{200 + number // 100}.{number % 100}.0/24" if family == 4
            else f'"fd20:{number:x}::/48"')


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(family, number, text):
    """A datagram to nobody, so that no host says anything to it."""
    udp = struct.pack("!HHHH", 9, 9, 8 + len(text), 0) + text
    ethernet = bytes.fromhex("02000000fffe02000000fffd")
    if family == 6:
        return (ethernet + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) +
                source(6, number) + source(6, 0xffff) + udp)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    header += source(4, number) + bytes([10, 255, 255, 1])
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return ethernet + b"\x08\x00" + header + udp


class Wire:
    """A pair of NICs; what goes in at the client's end and comes out of the filter at the other."""

    def __init__(self, world, gated, client):
        def listen(nic):
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            end.bind((nic, ETH_P_ALL))
            return end

        self.inside = in_netns(world.gated, lambda: listen(gated))
        self.outside = in_netns(world.client, lambda: listen(client))
        self.inside.settimeout(5 * SLOW)
        self.turns = 0
        self.sent = 0

    def close(self):
        self.inside.close()
        self.outside.close()

    def passed(self):
        """Which prefixes pass, as (family, number)."""
        sources = [(family, number) for family in (4, 6) for number in range(2 * PREFIXES)]
        random.shuffle(sources)
        return frozenset().union(*(self.passed_of(sources[i:i + AT_ONCE])
                                   for i in range(0, len(sources), AT_ONCE)))

    def passed_of(self, sources):
        """Of these. The last frame that is sent always does."""
        self.turns += 1
        sources = sources + [(6, ADMITTED_ALWAYS), (4, ADMITTED_ALWAYS)]
        for family, number in sources:
            self.outside.send(frame(family, number, MARK + struct.pack(
                "!IBH", self.turns, family, number)))
        self.sent += len(sources)
        passed = set()
        while (4, ADMITTED_ALWAYS) not in passed:
            got = self.inside.recv(2048)
            at = got.find(MARK)
            if at < 0:
                continue
            turn, family, number = struct.unpack_from("!IBH", got, at + len(MARK))
            if turn == self.turns:
                passed.add((family, number))
        return passed


# ---- policies ----

class Policy:
    def __init__(self, name, rng, extra):
        self.name = name
        numbers = {family: sorted(rng.sample(range(2 * PREFIXES), PREFIXES)) for family in (4, 6)}
        self.passes = frozenset((family, number) for family in (4, 6)
                                for number in numbers[family] + [ADMITTED_ALWAYS])
        self.text = (f"interfaces: ['ens*']\ningress: internal\nexporter: off\n{extra}"
                     "sources:\n  vpc:\n" +
                     "".join(f"    - {prefix(*which)}\n" for which in sorted(self.passes)))


class World:
    def __init__(self, gated, client, folder, daemon, rng):
        self.gated, self.client, self.folder = gated, client, folder
        self.command, self.rng = daemon, rng
        # Of different sizes, so that each change makes new flow tables as well.
        self.policies = [Policy("a", rng, "replies: {max-flows: 1024}\n"),
                         Policy("b", rng, "replies: {max-flows: 2048}\nalso-admit: [more]\n")]
        self.policies[1].text += "  more: [192.0.2.0/24]\n"
        self.old = self.new = self.policies[0]
        self.config = f"{folder}/config.yaml"
        self.log = open(f"{folder}/daemon.log", "ab")  # pylint: disable=consider-using-with
        self.daemon = None
        self.wire = Wire(self, "ens4", "eth4")

    # ---- the daemon ----

    def write_config(self):
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            file.write(self.new.text)
        os.replace(self.config + ".new", self.config)

    def ask(self, command, wait=True):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10 * SLOW)
        client.connect(f"{self.folder}/control.sock")
        client.sendall(json.dumps({"version": 1, "command": command}).encode() + b"\n")
        if not wait:
            return client
        with client:
            text = b""
            while got := client.recv(1 << 16):
                text += got
        return json.loads(text)

    def status(self):
        try:
            answer = self.ask("status")
        except (OSError, ValueError):
            return None
        return answer if answer.get("ok") and answer["daemon"]["pid"] == self.daemon.pid else None

    def launch(self):
        self.daemon = subprocess.Popen(  # pylint: disable=consider-using-with
            ["nsenter", f"--net=/run/netns/{self.gated}", "--", *self.command],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self, what, condition):
        deadline = time.monotonic() + 20 * SLOW
        while not (result := condition()):
            if self.daemon.poll() is not None:
                raise Wrong(f"{what}: the daemon ended with {self.daemon.returncode}")
            if time.monotonic() > deadline:
                raise Wrong(f"{what}: not within {20 * SLOW} s")
            time.sleep(0.005)
        return result

    def start(self):
        self.launch()
        return self.wait("start", self.status)

    def end(self, number):
        self.daemon.send_signal(number)
        self.daemon.wait()

    def pins(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.folder)
                      for folder, _, names in os.walk(f"{self.folder}/bpffs") for name in names)

    def make_pins_old(self):
        """As if a daemon of another version had pinned them."""
        path = ctypes.create_string_buffer(f"{self.folder}/bpffs/vpcgate/state".encode())
        fd = bpf(BPF_OBJ_GET, struct.pack("=Q", ctypes.addressof(path)))
        key, value = ctypes.c_uint32(0), ctypes.create_string_buffer(4096)
        attributes = struct.pack("=IIQQQ", fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
        bpf(BPF_MAP_LOOKUP_ELEM, attributes)
        ctypes.c_uint32.from_buffer(value).value += 1000
        bpf(BPF_MAP_UPDATE_ELEM, attributes)
        os.close(fd)

    # ---- what happens to it ----

    def change(self):
        self.old = self.new
        self.new = self.policies[self.new is self.policies[0]]
        self.write_config()

    def is_changed(self):
        return self.wire.passed() == self.new.passes

    def reload(self):
        self.change()
        self.daemon.send_signal(signal.SIGHUP)
        return self.is_changed

    def apply(self):
        self.change()
        self.ask("apply", wait=False).close()
        return self.is_changed

    def attach(self):
        subprocess.run(["ip", "link", "add", "name", "ens5", "up", "netns", self.gated, "type",
                        "veth", "peer", "name", "eth5", "netns", self.client], check=True)
        subprocess.run(["ip", "-n", self.client, "link", "set", "eth5", "up"], check=True)
        return lambda: len(self.attached()) == 2

    def attached(self):
        return [nic["name"] for nic in self.status()["interfaces"] if nic["state"] == "attached"]

    def restart(self):
        self.end(signal.SIGTERM)
        self.change()
        self.launch()
        return self.status

    def upgrade(self):
        self.end(signal.SIGTERM)
        self.change()
        self.make_pins_old()
        self.launch()
        return self.status

    # ---- what is seen then ----

    def name_of(self, passed):
        for policy in self.policies:
            if passed == policy.passes:
                return policy
        return None

    def look(self, when):
        """The policy in force, of the two that may be."""
        passed = self.wire.passed()
        policy = self.name_of(passed)
        if policy not in (self.old, self.new):
            raise Wrong(f"{when}: {len(passed)} of {4 * PREFIXES + 2} prefixes pass, which is no "
                        f"policy: {len(passed - self.old.passes)} are not of the old one, "
                        f"{len(passed - self.new.passes)} not of the new one")
        return policy

    def look_at_new_nic(self, when, attached):
        wire = Wire(self, "ens5", "eth5")
        passed = wire.passed()
        wire.close()
        if self.name_of(passed) != self.new and (attached or len(passed) != 4 * PREFIXES + 2):
            raise Wrong(f"{when}: the new NIC passes {len(passed)} prefixes")


def packets(status):
    """Of ens4, whatever became of them."""
    nic = [nic for nic in status["interfaces"] if nic["name"] == "ens4"][0]
    return sum(nic[verdict]["packets"] for verdict in ("pass", "drop", "would_drop"))


def calibrate(world):
    """How long each takes, when it is left alone, at the least."""
    took = {}
    for name in ("reload", "apply", "attach", "restart", "upgrade"):
        took[name] = float("inf")
        for _ in range(3):
            start = time.monotonic()
            world.wait(name, getattr(world, name)())
            took[name] = min(took[name], time.monotonic() - start)
            if name == "attach":
                subprocess.run(["ip", "-n", world.gated, "link", "del", "ens5"], check=True)
            world.wait("calm", lambda: world.status()["policy"])
    return took


def kill_once(world, name, delay, seen, pins):
    """The policy that was in force then."""
    before = packets(world.wait("status", world.status))
    sent = world.wire.sent
    when = f"{name}, killed after {delay * 1000:.1f} ms"
    getattr(world, name)()
    time.sleep(delay)
    world.end(signal.SIGKILL)
    in_force = world.look(when)
    seen[name]["new" if in_force is world.new else "old"] += 1
    if name == "attach":
        world.look_at_new_nic(when, attached=False)
    when += ", started again"
    world.start()
    if world.look(when) is not world.new:
        raise Wrong(f"{when}: the policy is not that of the config")
    if name == "attach":
        world.look_at_new_nic(when, attached=True)
        subprocess.run(["ip", "-n", world.gated, "link", "del", "ens5"], check=True)
        world.wait("detach", lambda: len(world.status()["interfaces"]) == 1)
    world.wait(f"{when}: pins {set(world.pins()) ^ set(pins)}", lambda: world.pins() == pins)
    # Pins of another version have counters of another version.
    if name != "upgrade":
        now = packets(world.status())
        if now < before + world.wire.sent - sent:
            raise Wrong(f"{when}: {now} packets are counted, {before} were before and "
                        f"{world.wire.sent - sent} came since")
    return in_force


def main():
    seed, kills = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    world = World(*sys.argv[3:6], sys.argv[6:], rng)
    seen = collections.defaultdict(collections.Counter)
    wrong = 0
    world.write_config()
    world.start()
    try:
        took = calibrate(world)
        pins = world.pins()
        span = {name: 0.05 + 1.5 * took[name] for name in took}
        names = [name for name in took for _ in range(-(-kills // len(took)))][:kills]
        rng.shuffle(names)
        for name in names:
            try:
                in_force = kill_once(world, name, rng.uniform(0, span[name]), seen, pins)
                # About as often before the switch as behind it, however busy the machine is.
                if name != "attach":
                    span[name] *= 1.1 if in_force is world.old else 0.9
            except Wrong as error:
                print(error, file=sys.stderr)
                wrong += 1
                if wrong > 5 or world.daemon.poll() is not None:
                    raise
        world.end(signal.SIGTERM)
    finally:
        if world.daemon.poll() is None:
            world.daemon.kill()
            world.daemon.wait()
    print(json.dumps({"took_ms": {name: round(s * 1000) for name, s in took.items()},
                      "in_force": seen}))
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
