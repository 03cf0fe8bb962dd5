#!/usr/bin/env python3
"""A store without leaders for the course's protocol: Attiya, Bar-Noy and Dolev's registers, a quorum for each
read and each write. Right unless it is told otherwise.

Started as `quorum.py [<udp port>] <id> <other id>... [--transport=KIND] [--way=WAY]`. Whoever is asked answers,
and never names a leader, or names itself (`names-itself`).
"""
import json
import select
import socket
import sys
import time

options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
words = [a for a in sys.argv[1:] if not a.startswith("--")]
kind, way = options.get("transport", "seqpacket"), options.get("way", "right")
if kind == "udp":
    port = int(words.pop(0))
me, peers = words[0], words[1:]
if not peers:
    sys.exit("quorum.py: no other ids")
majority = (len(peers) + 1) // 2 + 1
leader = me if way == "names-itself" else "FFFF"

if kind == "udp":
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("localhost", 0))
else:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
    wire.connect(me)

data, pending, number, latest, rest = {}, {}, 0, 0, b""
UNWRITTEN = ([0, ""], "")


def send(to, type, **more):
    packet = json.dumps({"src": me, "dst": to, "leader": leader, "type": type, **more}).encode()
    try:
        if kind == "udp":
            wire.sendto(packet, ("localhost", port))
        else:
            wire.sendall(packet + b"\n" if kind == "stream" else packet)
    except OSError:
        sys.exit(0)


def store(key, tag, value):
    if tag > data.get(key, UNWRITTEN)[0]:
        data[key] = (tag, value)


def ask(operation):
    """Asks whoever has not answered this phase yet, again and again: messages may be lost."""
    operation["again"] = time.monotonic() + 0.1
    phase = {"number": operation["number"], "phase": operation["phase"], "key": operation["request"]["key"]}
    if operation["phase"] == "write":
        phase.update(tag=operation["tag"], value=operation["value"])
    for peer in peers:
        if peer not in operation["heard"]:
            send(peer, "phase", **phase)


def begin(request):
    global number
    number += 1
    tag, value = data.get(request["key"], UNWRITTEN)
    if way == "reads-alone" and request["type"] == "get":
        return send(request["src"], "ok", MID=request["MID"], value=value)
    operation = {"number": number, "phase": "read", "request": request, "heard": {me}, "tag": tag, "value": value}
    pending[number] = operation
    ask(operation)


def heard(operation, source, tag, value):
    global latest
    if operation["phase"] == "read" and tag > operation["tag"]:
        operation["tag"], operation["value"] = tag, value
    operation["heard"].add(source)
    if len(operation["heard"]) < majority:
        return
    request = operation["request"]
    if operation["phase"] == "read":
        if request["type"] == "put":
            # Two puts of one replica at once must not share a tag.
            latest = max(latest, operation["tag"][0]) + 1
            operation["tag"], operation["value"] = [latest, me], request["value"]
        operation["phase"], operation["heard"] = "write", {me}
        store(request["key"], operation["tag"], operation["value"])
        return ask(operation)
    del pending[operation["number"]]
    if request["type"] == "put":
        send(request["src"], "ok", MID=request["MID"])
    else:
        send(request["src"], "ok", MID=request["MID"], value=operation["value"])


def receive():
    global rest
    packet = wire.recv(1 << 16)
    if kind == "udp":
        return [packet]
    if not packet:
        sys.exit(0)
    if kind == "seqpacket":
        return [packet]
    *lines, rest = (rest + packet).split(b"\n")
    return lines


send("FFFF", "hello")
while True:
    now = time.monotonic()
    for operation in list(pending.values()):
        if now >= operation["again"]:
            ask(operation)
    if not select.select([wire], [], [], 0.05)[0]:
        continue
    for packet in receive():
        message = json.loads(packet) if packet else {"type": ""}
        if message["type"] in ("get", "put"):
            begin(message)
        elif message["type"] == "phase":
            if message["phase"] == "write":
                store(message["key"], message["tag"], message["value"])
            tag, value = data.get(message["key"], UNWRITTEN)
            send(message["src"], "phased", number=message["number"], phase=message["phase"], tag=tag, value=value)
        elif message["type"] == "phased":
            operation = pending.get(message["number"])
            if operation and operation["phase"] == message["phase"]:
                heard(operation, message["src"], message["tag"], message["value"])
