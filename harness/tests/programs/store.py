#!/usr/bin/env python3
"""A store for the course's protocol that is not replicated at all: 0000 leads and alone holds the data.

Right as long as 0000 lives. Started as `store.py [<udp port>] <id> <other id>... [--transport=KIND]
[--way=WAY,...]`; each WAY names something odd or wrong about how it speaks: see `ways` below.
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
kind, ways = options.get("transport", "seqpacket"), options.get("way", "right").split(",")
if kind == "udp":
    port = int(words.pop(0))
me, peers = words[0], words[1:]
if not peers:
    sys.exit("store.py: no other ids")
LEADER = "0000"
data, asked, last, forgotten = {}, 0, {}, []

if "exits-0" in ways:
    sys.exit(0)
if "late" in ways:
    time.sleep(2)
if "ignores-signals" in ways:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
if "leaves-children" in ways:
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "sleep 1000 & sleep 1000"])
if "floods-stdout" in ways or "floods-stderr" in ways:
    def flood():
        stream = sys.stdout if "floods-stdout" in ways else sys.stderr
        while True:
            stream.write("x" * 1000 + "\n")
    threading.Thread(target=flood, daemon=True).start()
if "spins" in ways:
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
        elif kind == "stream" and "halves" in ways:
            for at in range(0, len(packet), 7):
                wire.sendall(packet[at:at + 7])
                time.sleep(0.0002)
            wire.sendall(b"\n")
        else:
            wire.sendall(packet + (b"\n" if kind == "stream" or "line-ends" in ways else b""))
    except OSError:
        sys.exit(0)


def send(to, type, leader=LEADER, **more):
    message = {"src": me, "dst": to, "leader": leader, "type": type, **more}
    if "more-fields" in ways:
        message.update({"term": 1, "log": [[1, {"a": None}]], "": "", "ünïcödé ☃": "\ud83d\ude00", "big": 10 ** 40, "src2": 1.5e300})
    if "upper-type" in ways:
        message["type"] = type.upper()
    if "no-leader" in ways:
        del message["leader"]
    if "null-leader" in ways:
        message["leader"] = None
    if "lower-ids" in ways:
        message = {k: v.lower() if k in ("src", "dst", "leader") else v for k, v in message.items()}
    if "unicode" in ways:
        packet = json.dumps({**message, "note": "żółć ☃"}, ensure_ascii=False).encode()
    elif "pretty" in ways:
        packet = json.dumps(message, indent=2).encode()
    elif "bytes" in ways:
        packet = json.dumps(message).encode()[:-1] + b', "note": "\xff\xfe"}'
    elif "bom" in ways:
        packet = b"\xef\xbb\xbf" + json.dumps(message).encode()
    elif "nul" in ways:
        packet = json.dumps(message).encode() + b"\0"
    elif "crlf" in ways:
        packet = json.dumps(message).encode() + b"\r"
    elif "spaces" in ways:
        packet = b"  " + json.dumps(message).encode() + b"  \n\n"
    elif "twice-keys" in ways:
        packet = json.dumps(message)[:-1].encode() + b', "type": ' + json.dumps(type).encode() + b'}'
    else:
        packet = json.dumps(message).encode()
    write(packet)


def answer(request, type, **more):
    mid = request["MID"]
    if "number-mid" in ways:
        mid = int(mid, 16)
    if "lower-mid" in ways:
        mid = mid.lower()
    if "no-mid" in ways and asked % 20 == 0:
        return send(request["src"], type, **more)
    if "unknown-mid" in ways and asked % 20 == 0:
        send(request["src"], type, MID="FFFFFFFF", **more)
    send(request["src"], type, MID=mid, **more)


def client(request):
    global asked
    asked += 1
    if "redirects-to-itself" in ways:
        return answer(request, "redirect", leader=me)
    if "redirects-in-circles" in ways:
        return answer(request, "redirect", leader=peers[0])
    if me != LEADER:
        if "redirects-to-anyone" in ways:
            return answer(request, "redirect", leader="FFFF")
        if "redirects-nowhere" in ways:
            return answer(request, "redirect", leader=["0BAD", "", "nobody", 7, None][asked % 5])
        if "forwards" in ways:
            return send(LEADER, "forwarded", request=request)
        if "redirects-then-ok" in ways:
            answer(request, "redirect")
            return send(LEADER, "forwarded", request=request)
        return answer(request, "redirect")
    serve(request)


def serve(request):
    key = request["key"]
    if "exits-midway" in ways and asked > 50:
        sys.exit(0)
    if "segfaults" in ways and asked > 50:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "closes" in ways and asked == 50:
        wire.close()
        time.sleep(1000)
    if "hangs" in ways and asked > 50:
        time.sleep(1000)
    if "reconnects" in ways and asked % 50 == 0:
        return reconnect(request)
    if "fails-first" in ways and request["MID"] not in last.setdefault("failed", set()) and asked % 7 == 0:
        return answer(request, "fail")
    if request["type"] == "put":
        if "applies-twice" in ways and asked % 5 == 0:
            old = request
            threading.Timer(0.3, lambda: data.update({old["key"]: old["value"]})).start()
        if not ("forgets" in ways and asked % 10 == 0):
            data[key] = request["value"]
        elif "tells-later" in ways:
            forgotten.append(request["value"])
        if "echoes" in ways:
            return answer(request, "ok", key=key, value=request["value"])
        if "put-fails-and-happens" in ways and asked % 10 == 0:
            return answer(request, "fail")
        return answer(request, "ok")
    if key not in data:
        if "silent-unwritten" in ways:
            return
        if "crashes-unwritten" in ways:
            raise KeyError(key)
        if "none-unwritten" in ways:
            return answer(request, "ok", value="None")
    if "invents" in ways and asked % 10 == 0:
        return answer(request, "ok", value="never written")
    if "list-value" in ways:
        return answer(request, "ok", value=[data.get(key, "")])
    if "other-key" in ways and asked % 10 == 0:
        return answer(request, "ok", value=next(reversed(data.values())))
    answer(request, "ok", value=data.get(key, ""))
    if forgotten:
        send("FFFF", "told", values=forgotten[-30:])


def reconnect(request):
    global wire
    wire.close()
    wire = connect()
    hello()
    answer(request, "fail")


def hello():
    if "no-hello" in ways:
        return
    if "hello-to-self" in ways:
        return send(me, "hello")
    if "hello-first-then-garbage" in ways and me == "0001":
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


if "threads-of-hello" in ways:
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
