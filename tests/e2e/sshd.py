# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that is called sshd, and runs a command for whoever connects, as sshd does for a login.

    sshd.py NAME ADDRESS PORT STATUS ANSWER COMMAND...

NAME is what the process is called. One connection is taken, whose bytes go back as they come for as
long as COMMAND runs; its exit status goes to the file STATUS. With an ANSWER it runs on a terminal,
where that is typed once it asks "[y/N]"; without, its standard input is empty.
"""
import os
import pty
import socket
import subprocess
import sys
import threading


def echo(connection):
    try:
        while data := connection.recv(65536):
            connection.sendall(data)
    except OSError:
        pass


def run_on_terminal(command, answer):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    asked = b""
    try:
        while data := os.read(terminal, 65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            asked += data
            if b"[y/N]" in asked:
                asked = b""
                os.write(terminal, answer.encode() + b"\n")
    except OSError:  # how the last one to close a terminal is told
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(command, answer):
    if answer:
        return run_on_terminal(command, answer)
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def main():
    name, address, port, status, answer, *command = sys.argv[1:]
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family,
                              dualstack_ipv6=address == "::") as server:
        # Who no longer listens has opened its connections itself, as far as others can tell.
        connection, _ = server.accept()
        with connection:
            threading.Thread(target=echo, args=[connection], daemon=True).start()
            result = run(command, answer)
    with open(status + ".new", "w", encoding="ascii") as file:
        file.write(str(result))
    os.replace(status + ".new", status)


main()
