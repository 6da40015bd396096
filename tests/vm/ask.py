#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ask.py SOCKET SECONDS COMMAND: runs a command of bash in the guest, through agent.

Prints its output and ends with its status; 124 where there is no answer in time. A guest that is
starting is waited for; the command is sent once it listens, and once only.
"""
import base64
import os
import select
import socket
import sys
import time

ASK_AGAIN_S = 1


class Guest:
    def __init__(self, path, seconds):
        self.deadline = time.monotonic() + seconds
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.received = b""

    def send(self, name, command):
        self.sock.sendall(b"%s %s\n" % (name, base64.b64encode(command.encode())))

    def answer(self, name, seconds):
        """Status and output, or None. Answers to others, such as those of before, are skipped."""
        deadline = min(self.deadline, time.monotonic() + seconds)
        while True:
            *lines, self.received = self.received.split(b"\n")
            for line in lines:
                words = line.split(b" ")
                if words[0] == name and len(words) == 3:
                    return int(words[1]), base64.b64decode(words[2])
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(65536)
            if not data:
                return None
            self.received += data

    def run(self, command):
        # A slow guest's answer to an earlier question counts as well: asking in other words, or at
        # the same pace, would keep it busy with what nobody waits for.
        name, patience_s, listens = os.urandom(8).hex().encode(), ASK_AGAIN_S, False
        while not listens and time.monotonic() < self.deadline:
            self.send(name, ":")
            listens = self.answer(name, patience_s)
            patience_s *= 2
        name = os.urandom(8).hex().encode()
        self.send(name, command)
        return self.answer(name, self.deadline - time.monotonic())


def main():
    path, seconds, command = sys.argv[1:]
    answer = Guest(path, float(seconds)).run(command)
    if not answer:
        print(f"the guest didn't answer for {seconds} s", file=sys.stderr)
        sys.exit(124)
    status, output = answer
    sys.stdout.buffer.write(output)
    sys.exit(status)


main()
