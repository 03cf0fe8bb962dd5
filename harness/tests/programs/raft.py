#!/usr/bin/env python3
"""A small Raft for the course's protocol, without dependencies, right unless it is told otherwise.

Started as `raft.py [<udp port>] <id> <other id>... [--transport=KIND] [--way=WAY] [--pace=N]`. A port makes it
speak UDP. WAY names what it does wrong (or only oddly): see the `way` comparisons below. Its elections
take a quarter to half of a second, or N times that.
"""
import json
import os
import random
import select
import signal
import socket
import sys
import time

options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
words = [a for a in sys.argv[1:] if not a.startswith("--")]
kind, way = options.get("transport", "seqpacket"), options.get("way", "right")
pace = float(options.get("pace", 1))
if kind == "udp":
    port = int(words.pop(0))
me, peers = words[0], words[1:]
if not peers:
    sys.exit("raft.py: no other ids")
majority = 2 if way == "small-quorum" else (len(peers) + 1) // 2 + 1

if kind == "udp":
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("localhost", 0))
else:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
    wire.connect(me)

term, voted, log, commit, applied = 0, None, [(0, None)], 0, 0
data, seen, waiting = {}, {}, {}
role, leader, votes = "follower", "FFFF", set()
following, matching, heard = {}, {}, {}
reads, proposals, delayed = [], [], []
round_number = answered = 0
forgets_until = cached_at = lease_until = 0.0
led_before = False
cached = {}
rest = b""


def send(to, type, **more):
    message = {"src": me, "dst": to, "leader": leader, "type": type, **more}
    if way == "names-nobody" and type != "redirect":
        message["leader"] = "FFFF"
    packet = json.dumps(message).encode()
    try:
        if kind == "udp":
            wire.sendto(packet, ("localhost", port))
        else:
            wire.sendall(packet + b"\n" if kind == "stream" else packet)
    except OSError:
        sys.exit(0)


def patience():
    return time.monotonic() + pace * random.uniform(0.25, 0.5)


deadline, beat = patience(), 0.0


def follow(new_term):
    global term, voted, role, leader, reads
    if new_term > term:
        term, voted = new_term, None
    if role == "leader":
        # Accepted puts may still be committed: to redirect those would make them happen twice.
        again = list(waiting.values()) if way == "redirects-accepted" else []
        for request in again + [r for r, _, _ in reads]:
            answer(request, "redirect")
        waiting.clear()
        reads = []
    role, leader = "follower", "FFFF"


def answer(request, type, **more):
    global answered
    answered += 1
    if way == "silent" and answered > 50:
        return
    if way == "fail-sometimes" and type == "ok" and answered % 10 == 0 and request["type"] == "put":
        type = "fail"
    if way == "slow" and type == "ok":
        delayed.append((time.monotonic() + 1, request["src"], type, request["MID"], more))
        return
    if way == "out-of-order" and type == "ok":
        delayed.append((time.monotonic() + random.uniform(0, 0.1), request["src"], type, request["MID"], more))
        return
    send(request["src"], type, MID=request["MID"], **more)
    if way == "twice":
        send(request["src"], type, MID=request["MID"], **more)
    if way == "storm":
        for _ in range(200):
            send("FFFF", "storm")
    if way == "crash" and answered == 60:
        raise RuntimeError("index out of range")


def read(request):
    global cached, cached_at
    key = request["key"]
    if time.monotonic() < forgets_until:
        data.clear()
    if way in ("gone-empty", "gone-fail") and key == "k0" and led_before:
        return answer(request, "ok", value="") if way == "gone-empty" else answer(request, "fail")
    if way == "other-key" and answered % 20 == 0:
        return answer(request, "ok", value=next(reversed(data.values()), ""))
    if way == "stale":
        if time.monotonic() > cached_at + 0.5:
            cached, cached_at = dict(data), time.monotonic()
        return answer(request, "ok", value=cached.get(key, ""))
    if key in data:
        return answer(request, "ok", value=data[key])
    if way == "empty-list":
        return answer(request, "ok", value=[])
    if way == "null":
        return answer(request, "ok", value=None)
    if way == "no-value":
        return answer(request, "ok")
    if way == "fails-unwritten":
        return answer(request, "fail")
    answer(request, "ok", value="")


def stand():
    global term, voted, role, leader, votes, deadline
    if way == "elects-once" and len(log) > 1:
        deadline = patience()
        return
    follow(min(term + 1, 2) if way == "one-term" else term + 1)
    voted, role, votes, deadline = me, "candidate", {me}, patience()
    send("FFFF", "vote?", term=term, last=[log[-1][0], len(log)])


def lead():
    global role, leader, beat, forgets_until, led_before
    role, leader, beat = "leader", me, 0.0
    for peer in peers:
        following[peer], matching[peer], heard[peer] = len(log), 0, 0
    led_before = any(request is None for _, request in log[1:])
    # A new leader of this way forgets what was acknowledged, for a while.
    forgets_until = time.monotonic() + (0.7 if way == "loses-writes" else 0)
    if way == "proposes-again":
        again = [request for _, request in log[-10:] if request]
        proposals.append((time.monotonic() + 0.1, again))
    if way not in ("commits-old", "new-leader"):
        log.append((term, None))


def replicate():
    global beat, round_number
    beat = time.monotonic() + 0.05 * pace
    round_number += 1
    for peer in peers:
        n = following[peer]
        send(peer, "append", term=term, prev=[n - 1, log[n - 1][0]], commit=commit,
             round=round_number, entries=log[n:n + 20])


def advance():
    global commit
    for n in range(len(log) - 1, commit, -1):
        enough = 2 if way == "acks-minority" else majority
        if (log[n][0] == term or way == "commits-old") and 1 + sum(m >= n for m in matching.values()) >= enough:
            commit = n
            break
    apply()


def apply():
    global applied
    while applied < commit:
        applied += 1
        request = log[applied][1]
        if not request:
            continue
        if not (way == "loses-some" and applied % 15 == 0):
            data[request["key"]] = request["value"]
        asked = waiting.pop(request["MID"], None)
        if asked and way != "ack-early":
            answer(asked, "ok")
    serve_reads()


def serve_reads():
    """A read is answered when a majority has answered a round begun after it, and all is applied."""
    global reads
    kept = []
    for request, at, index in reads:
        acknowledged = 1 + sum(h >= at for h in heard.values())
        if acknowledged >= majority and applied >= index and log[commit][0] == term:
            read(request)
        elif way == "empty-alone" and time.monotonic() > request["since"] + 0.3:
            answer(request, "ok", value="")
        else:
            kept.append((request, at, index))
    reads = kept


def client(request):
    global beat
    request["since"] = time.monotonic()
    if way == "redirect-forever":
        return send(request["src"], "redirect", MID=request["MID"])
    if role != "leader":
        if way == "stale" and request["type"] == "get":
            return read(request)
        if way == "redirects-to-nowhere" and random.random() < 0.3:
            return send(request["src"], "redirect", MID=request["MID"], **{"leader": "0ABC"})
        return answer(request, "redirect")
    if request["type"] == "get":
        if way in ("stale", "stale-leader", "new-leader") or (way == "lease" and time.monotonic() < lease_until):
            return read(request)
        reads.append((request, round_number + 1, commit))
        replicate()
        return
    log.append((term, {k: request[k] for k in ("MID", "key", "value")}))
    if way == "ack-early":
        data[request["key"]] = request["value"]
        answer(request, "ok")
    else:
        waiting[request["MID"]] = request
    replicate()


def up_to_date(last):
    return way == "votes-blindly" or last >= [log[-1][0], len(log)]


def peer(message):
    global voted, leader, deadline, commit, role, lease_until
    type, source = message["type"], message["src"]
    if role == "leader" and way == "never-steps-down":
        message["term"] = min(message["term"], term)
    if message["term"] > term:
        follow(message["term"])
    if type == "vote?":
        is_free = voted in (None, source) or way in ("votes-twice", "one-term")
        granted = message["term"] == term and is_free and up_to_date(message["last"])
        if granted:
            voted, deadline = source, patience()
        send(source, "vote", term=term, granted=granted)
    elif type == "vote" and role == "candidate" and message["term"] == term and message["granted"]:
        votes.add(source)
        if len(votes) >= majority:
            lead()
            replicate()
    elif type == "append":
        if role == "leader" and way == "never-steps-down":
            return
        if message["term"] < term and way != "obeys-deposed":
            return send(source, "appended", term=term, match=-1, round=message["round"], last=len(log))
        role, leader, deadline = "follower", source, patience()
        index, previous = message["prev"]
        if index >= len(log) or log[index][0] != previous:
            return send(source, "appended", term=term, match=-1, round=message["round"],
                        last=min(index, len(log)))
        for n, entry in enumerate(message["entries"], index + 1):
            if n < len(log) and (log[n][0] != entry[0] or way == "truncates"):
                del log[n:]
            if n >= len(log):
                log.append(tuple(entry))
        match = index + len(message["entries"])
        commit = max(commit, min(message["commit"], match))
        apply()
        send(source, "appended", term=term, match=match, round=message["round"], last=len(log))
    elif type == "appended" and role == "leader" and message["term"] == term:
        heard[source] = max(heard[source], message["round"])
        lease_until = time.monotonic() + 1.5
        if message["match"] >= 0:
            matching[source] = max(matching[source], message["match"])
            following[source] = matching[source] + 1
            advance()
        else:
            following[source] = max(1, message["last"])
        serve_reads()


def receive():
    global rest
    if kind != "stream":
        packet = wire.recv(1 << 16)
        if not packet and kind != "udp":
            sys.exit(0)
        return [packet]
    packet = wire.recv(1 << 16)
    if not packet:
        sys.exit(0)
    *lines, rest = (rest + packet).split(b"\n")
    return lines


if way == "late":
    time.sleep(random.uniform(0.5, 3))
if way == "files":
    open(f"state-of-{me}.json", "w").write("{}")
if way == "exits-0":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if way == "ignores-sigterm":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if way == "child":
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
if not (way == "no-hello" and kind == "udp"):
    send("FFFF", "hello")
while True:
    now = time.monotonic()
    if way == "output":
        print("x" * 10000, flush=True)
    if way == "to-itself":
        send(me, "note", term=term)
    if proposals and now >= proposals[0][0]:
        again = proposals.pop()[1]
        log.extend((term, request) for request in again if role == "leader")
    for late in [late for late in delayed if late[0] <= now]:
        delayed.remove(late)
        send(late[1], late[2], MID=late[3], **late[4])
    if way == "empty-alone":
        serve_reads()
    if role == "leader" and now >= beat:
        replicate()
    if role != "leader" and now >= deadline:
        stand()
    wait = max(0.0, (beat if role == "leader" else deadline) - now)
    if delayed or way == "empty-alone":
        wait = min(wait, 0.02)
    if way in ("spin", "output", "to-itself"):
        wait = 0 if way != "to-itself" else min(wait, 0.02)
    if not select.select([wire], [], [], wait)[0]:
        continue
    for packet in receive():
        if not packet:
            continue
        message = json.loads(packet)
        if message["type"] in ("get", "put"):
            client(message)
        elif "term" in message:
            peer(message)
