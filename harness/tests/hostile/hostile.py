#!/usr/bin/env python3
"""A store for the course's protocol that attacks the harness that tests it.

Started as `hostile.py [<udp port>] <id> <other id>... --mode=MODE --data={data} [--transport=KIND]
[--outside=DIR] [--forgets]`. 0000 leads and alone holds the data: right as long as it lives, unless it
forgets every tenth put. 0000 attacks once, in the midst of the run (in its own data directory 0001, at its
start); what each mode does stands in the table of `tests/it/hostile.rs`.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

options = dict((a[2:] + "=").split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
options = {name: value.rstrip("=") for name, value in options.items()}
words = [a for a in sys.argv[1:] if not a.startswith("--")]
kind, mode = options.get("transport", "seqpacket"), options["mode"]
if kind == "udp":
    port = int(words.pop(0))
me, peers = words[0], words[1:]
if not peers:
    sys.exit("hostile.py: no other ids")
data_folder, outside = options["data"], options.get("outside", "")
run = os.path.dirname(os.path.dirname(os.path.dirname(data_folder)))
LEADER, data, asked = "0000", {}, 0


def inside(name):
    return os.path.join(run, name)


def replace(name):
    """Another file takes its place, with the beginning of what it held."""
    with open(inside(name)) as file:
        lines = file.readlines()[:30]
    with open(inside(name) + ".mine", "w") as file:
        file.writelines(lines)
    os.rename(inside(name) + ".mine", inside(name))


def overwrite(name):
    with open(inside(name), "r+") as file:
        file.seek(200)
        file.write("\n" * 300)


def link_reports():
    for name in ["verdict.json", "summary.csv", "report.html", "junit.xml", "latency.csv", "messages.csv",
                 "manifest.json.part", "plan.json.part", "faults.jsonl.new", "leaders.jsonl.new"]:
        os.symlink(os.path.join(outside, "precious"), inside(name))


def link_logs():
    logs = os.path.join(run, "replicas", "0001")
    os.rename(logs, logs + ".aside")
    os.symlink(outside, logs)


def link_data():
    shutil.rmtree(data_folder)
    os.symlink(outside, data_folder)


def remove_sockets():
    for name in os.listdir("."):
        if not name.startswith("."):
            os.remove(name)


def stop_by_child():
    subprocess.Popen(["sh", "-c", f"kill -STOP {os.getpid()}; sleep 1.2; kill -CONT {os.getpid()}"])


def sparse():
    with open(os.path.join(data_folder, "sparse"), "wb") as file:
        file.write(b"begin")
        file.truncate(256 << 30)
        file.seek(100 << 30)
        file.write(b"end")


ATTACKS = {
    "replaces-history": lambda: replace("history.jsonl"),
    "overwrites-history": lambda: overwrite("history.jsonl"),
    "removes-history": lambda: os.remove(inside("history.jsonl")),
    "replaces-plan": lambda: replace("plan.json"),
    "replaces-leaders": lambda: replace("leaders.jsonl"),
    "overwrites-messages": lambda: overwrite("messages.jsonl"),
    "removes-faults": lambda: os.remove(inside("faults.jsonl")),
    "links-reports": link_reports,
    "links-logs": link_logs,
    "links-data": link_data,
    "links-a-file-hard": lambda: os.link(os.path.join(outside, "precious"), os.path.join(data_folder, "file")),
    "has-a-sparse-file": sparse,
    "moves-the-folder": lambda: os.rename(run, run + "-moved"),
    "removes-sockets": remove_sockets,
    "removes-its-directory": lambda: shutil.rmtree(os.getcwd()),
    "removes-the-mark": lambda: os.remove(".harness"),
    "stops-its-parent": lambda: os.kill(os.getppid(), signal.SIGSTOP),
    "stops-by-a-child": stop_by_child,
    "does-nothing": lambda: None,
}


def connect():
    if kind == "udp":
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("localhost", 0))
    else:
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
        wire.connect(me)
    return wire


DATA_MODES = ["links-data", "links-a-file-hard", "has-a-sparse-file"]
wire, rest = connect(), b""


def send(to, type, **more):
    packet = json.dumps({"src": me, "dst": to, "leader": LEADER, "type": type, **more}).encode()
    try:
        if kind == "udp":
            wire.sendto(packet, ("localhost", port))
        else:
            wire.sendall(packet + (b"\n" if kind == "stream" else b""))
    except OSError:
        sys.exit(0)


def packets():
    global rest
    while True:
        received = wire.recv(65536)
        if not received:
            sys.exit(0)
        if kind != "stream":
            yield received
            continue
        *lines, rest = (rest + received).split(b"\n")
        yield from lines


if mode in DATA_MODES and me == "0001" and not os.listdir(data_folder):
    ATTACKS[mode]()
send("FFFF", "hello")
for packet in packets():
    request = json.loads(packet)
    if request.get("type") not in ("get", "put"):
        continue
    asked += 1
    if me == LEADER and asked == 60 and mode in ATTACKS and mode not in DATA_MODES:
        ATTACKS[mode]()
    if mode == "reconnects" and asked % 40 == 0 and kind != "udp":
        wire.close()
        time.sleep(0.05)
        wire, rest = connect(), b""
        send("FFFF", "hello")
        continue
    mid, key = request["MID"], request["key"]
    if me != LEADER:
        send(request["src"], "redirect", MID=mid)
    elif request["type"] == "get":
        send(request["src"], "ok", MID=mid, value=data.get(key, ""))
    else:
        if "forgets" not in options or asked % 10:
            data[key] = request["value"]
        send(request["src"], "ok", MID=mid)
