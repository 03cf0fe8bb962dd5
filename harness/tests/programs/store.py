#!/usr/bin/env python3
"""A store for the course's protocol that is not replicated at all: 0000 leads and alone holds the data.

Right as long as 0000 lives. Started as `store.py [<udp port>] <id> <other id>... [--transport=KIND]
[--way=WAY]`; WAY names what is odd or wrong about how it speaks: see the `way` comparisons below.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
words = [a for a in sys.argv[1:] if not a.startswith("--")]
kind, way = options.get("transport", "seqpacket"), options.get("way", "right")
if kind == "udp":
    port = int(words.pop(0))
me, peers = words[0], words[1:]
if not peers:
    sys.exit("store.py: no other ids")
LEADER = "0000"
data, asked, last = {}, 0, {}

if way == "exits-0":
    sys.exit(0)
if way == "late":
    time.sleep(2)
if way == "ignores-signals":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
if way == "leaves-children":
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "sleep 1000 & sleep 1000"])
if way in ("floods-stdout", "floods-stderr"):
    def flood():
        stream = sys.stdout if way == "floods-stdout" else sys.stderr
        while True:
            stream.write("x" * 1000 + "\n")
    threading.Thread(target=flood, daemon=True).start()
if way == "spins":
    def spin():
        while True:
            pass
    threading.Thread(target=spin, daemon=True).start()


def connect():
    if kind == "udp":
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("localhost", 0))
    else:
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
        wire.connect(me)
    return wire


wire = connect()
rest = b""


def write(packet):
    try:
        if kind == "udp":
            wire.sendto(packet, ("localhost", port))
        elif kind == "stream" and way == "halves":
            for at in range(0, len(packet), 7):
                wire.sendall(packet[at:at + 7])
                time.sleep(0.0002)
            wire.sendall(b"\n")
        else:
            wire.sendall(packet + (b"\n" if kind == "stream" or way == "line-ends" else b""))
    except OSError:
        sys.exit(0)


def send(to, type, leader=LEADER, **more):
    message = {"src": me, "dst": to, "leader": leader, "type": type, **more}
    if way == "more-fields":
        message.update({"term": 1, "log": [[1, {"a": None}]], "": "", "ünïcödé ☃": "\ud83d\ude00", "big": 10 ** 40, "src2": 1.5e300})
    if way == "upper-type":
        message["type"] = type.upper()
    if way == "no-leader":
        del message["leader"]
    if way == "null-leader":
        message["leader"] = None
    if way == "lower-ids":
        message = {k: v.lower() if k in ("src", "dst", "leader") else v for k, v in message.items()}
    if way == "unicode":
        packet = json.dumps({**message, "note": "żółć ☃"}, ensure_ascii=False).encode()
    elif way == "pretty":
        packet = json.dumps(message, indent=2).encode()
    elif way == "bytes":
        packet = json.dumps(message).encode()[:-1] + b', "note": "\xff\xfe"}'
    elif way == "bom":
        packet = b"\xef\xbb\xbf" + json.dumps(message).encode()
    elif way == "nul":
        packet = json.dumps(message).encode() + b"\0"
    elif way == "crlf":
        packet = json.dumps(message).encode() + b"\r"
    elif way == "spaces":
        packet = b"  " + json.dumps(message).encode() + b"  \n\n"
    elif way == "twice-keys":
        packet = json.dumps(message)[:-1].encode() + b', "type": ' + json.dumps(type).encode() + b'}'
    else:
        packet = json.dumps(message).encode()
    write(packet)


def answer(request, type, **more):
    mid = request["MID"]
    if way == "number-mid":
        mid = int(mid, 16)
    if way == "lower-mid":
        mid = mid.lower()
    if way == "no-mid" and asked % 20 == 0:
        return send(request["src"], type, **more)
    if way == "unknown-mid" and asked % 20 == 0:
        send(request["src"], type, MID="FFFFFFFF", **more)
    send(request["src"], type, MID=mid, **more)


def client(request):
    global asked
    asked += 1
    if way == "redirects-to-itself":
        return answer(request, "redirect", leader=me)
    if way == "redirects-in-circles":
        return answer(request, "redirect", leader=peers[0])
    if me != LEADER:
        if way == "redirects-to-anyone":
            return answer(request, "redirect", leader="FFFF")
        if way == "redirects-nowhere":
            return answer(request, "redirect", leader=["0BAD", "", "nobody", 7, None][asked % 5])
        if way == "forwards":
            return send(LEADER, "forwarded", request=request)
        if way == "redirects-then-ok":
            answer(request, "redirect")
            return send(LEADER, "forwarded", request=request)
        return answer(request, "redirect")
    serve(request)


def serve(request):
    key = request["key"]
    if way == "exits-midway" and asked > 50:
        sys.exit(0)
    if way == "segfaults" and asked > 50:
        os.kill(os.getpid(), signal.SIGSEGV)
    if way == "closes" and asked == 50:
        wire.close()
        time.sleep(1000)
    if way == "hangs" and asked > 50:
        time.sleep(1000)
    if way == "reconnects" and asked % 50 == 0:
        return reconnect(request)
    if way == "fails-first" and request["MID"] not in last.setdefault("failed", set()) and asked % 7 == 0:
        return answer(request, "fail")
    if request["type"] == "put":
        if way == "applies-twice" and asked % 5 == 0:
            old = request
            threading.Timer(0.3, lambda: data.update({old["key"]: old["value"]})).start()
        if not (way == "forgets" and asked % 10 == 0):
            data[key] = request["value"]
        if way == "echoes":
            return answer(request, "ok", key=key, value=request["value"])
        if way == "put-fails-and-happens" and asked % 10 == 0:
            return answer(request, "fail")
        return answer(request, "ok")
    if key not in data:
        if way == "silent-unwritten":
            return
        if way == "crashes-unwritten":
            raise KeyError(key)
        if way == "none-unwritten":
            return answer(request, "ok", value="None")
    if way == "invents" and asked % 10 == 0:
        return answer(request, "ok", value="never written")
    if way == "list-value":
        return answer(request, "ok", value=[data.get(key, "")])
    if way == "other-key" and asked % 10 == 0:
        return answer(request, "ok", value=next(reversed(data.values())))
    answer(request, "ok", value=data.get(key, ""))


def reconnect(request):
    global wire
    wire.close()
    wire = connect()
    hello()
    answer(request, "fail")


def hello():
    if way == "no-hello":
        return
    if way == "hello-to-self":
        return send(me, "hello")
    if way == "hello-first-then-garbage" and me == "0001":
        write(b"ready!\n")
    send("FFFF", "hello", leader="FFFF")


def receive():
    global rest
    packet = wire.recv(1 << 16)
    if kind != "stream":
        if not packet and kind == "seqpacket":
            sys.exit(0)
        return [packet]
    if not packet:
        sys.exit(0)
    *lines, rest = (rest + packet).split(b"\n")
    return lines


if way == "threads-of-hello":
    for _ in range(20):
        hello()
hello()
while True:
    for packet in receive():
        if not packet:
            continue
        message = json.loads(packet)
        if message["type"] in ("get", "put"):
            client(message)
        elif message["type"] == "forwarded":
            asked += 1
            serve(message["request"])
