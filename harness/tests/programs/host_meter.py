#!/usr/bin/env python3
"""Measures the host that a replica meets, instead of storing anything.

Started as `host_meter.py <id> <other id>... WAY FILE`: what it met goes to FILE as JSON.
"""
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import time

me, way, file = sys.argv[1], sys.argv[-2], sys.argv[-1]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect(me)
met = {}


def write():
    with open(file + ".new", "w") as out:
        json.dump(met, out)
    os.rename(file + ".new", file)


def packet(dst, size):
    return json.dumps({"src": me, "dst": dst, "leader": "FFFF", "type": "x", "x": "x" * size}).encode()


def rest():
    signal.pause()


if way == "limits":
    for name in ("NOFILE", "NPROC", "FSIZE"):
        met[name] = resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0]
    begin, used = time.monotonic(), time.process_time()
    while time.monotonic() < begin + 1:
        pass
    met["cpu_share"] = time.process_time() - used
    with tempfile.TemporaryFile() as scratch:
        scratch.write(b"x")
        scratch.flush()
        begin = time.monotonic()
        os.fsync(scratch.fileno())
        met["fsync"] = time.monotonic() - begin
    begin = time.monotonic()
    print("x" * 150_000, flush=True)
    met["print"] = time.monotonic() - begin
    met["cwd"] = os.getcwd()
    write()
    rest()
if way == "wall":
    # How far the wall clock is ahead of the other one, whenever that changes.
    met["ahead"] = []
    while True:
        ahead = round(time.time() - time.monotonic(), 2)
        if met["ahead"][-1:] != [ahead]:
            met["ahead"].append(ahead)
            write()
        time.sleep(0.05)
if way == "clock":
    # The kernel stamps files by the true clock.
    def ahead():
        write()
        return time.time() - os.stat(file).st_mtime

    deadline = time.monotonic() + 20
    while abs(ahead()) < 1000 and time.monotonic() < deadline:
        time.sleep(0.05)
    met["jump"] = ahead()
    write()
    rest()
if way == "sends":
    # More than a socket holds: what is read late comes back to who sends.
    begin = time.monotonic()
    for _ in range(100):
        sock.send(packet("FFFF", 10_000))
    met["sends"] = time.monotonic() - begin
    write()
    rest()
if way in ("large", "never-reads"):
    # All have connected by then.
    time.sleep(6.2)
if way == "large":
    while True:
        sock.send(packet("FFFF", 20_000))
        time.sleep(0.1)
if way == "prints":
    try:
        print("a line", flush=True)
    except OSError as error:
        os._exit(error.errno)
    rest()
if way == "never-reads":
    # Blocks once the router does not read any more: as whoever writes a loop of sends.
    while True:
        sock.send(packet("FFFF", 5_000))
