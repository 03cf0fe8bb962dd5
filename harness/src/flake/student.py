"""A replica as a student writes it in a week: Raft over the course's packet sockets, right as long as
it lives, and without a thought for sockets that are not there. What `harness flake` starts.

Started as `student.py <id> <other id>...`. Election timeouts of 200 to 350 ms.
"""
import json
import random
import select
import socket
import sys
import time

me, peers = sys.argv[1], sys.argv[2:]
majority = (len(peers) + 1) // 2 + 1
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect(me)

term, voted, leader, role, votes = 0, None, "FFFF", "follower", set()
log, commit, applied, data = [{"term": 0}], 0, 0, {}
next_index, match = {}, {}
beat = 0.0


def timeout():
    return time.monotonic() + random.uniform(0.2, 0.35)


deadline = timeout()


def send(dst, type, **more):
    sock.send(json.dumps({"src": me, "dst": dst, "leader": leader, "type": type, **more}).encode())


def step_down(new_term):
    global term, voted, role, leader
    if new_term > term:
        term, voted = new_term, None
    role, leader = "follower", "FFFF"


def stand():
    global role, voted, votes, deadline
    step_down(term + 1)
    role, voted, votes, deadline = "candidate", me, {me}, timeout()
    send("FFFF", "vote?", term=term, last=[log[-1]["term"], len(log)])


def lead():
    global role, leader
    role, leader = "leader", me
    log.append({"term": term})
    for peer in peers:
        next_index[peer], match[peer] = len(log) - 1, 0
    replicate()


def replicate():
    global beat
    beat = time.monotonic() + 0.06
    for peer in peers:
        n = next_index[peer]
        send(peer, "append", term=term, prev=n - 1, prev_term=log[n - 1]["term"],
             entries=log[n:n + 20], commit=commit)


def advance():
    global commit, applied
    if role == "leader":
        agreed = sorted(list(match.values()) + [len(log) - 1])[-majority]
        if agreed > commit and log[agreed]["term"] == term:
            commit = agreed
    while applied < commit:
        applied += 1
        entry = log[applied]
        if entry.get("type") == "put":
            data[entry["key"]] = entry["value"]
        if role == "leader" and entry.get("by") == me and entry["term"] == term:
            more = {"value": data.get(entry["key"], "")} if entry["type"] == "get" else {}
            send(entry["src"], "ok", MID=entry["MID"], **more)


def handle(m):
    global voted, deadline, role, leader, commit
    type, src = m["type"], m["src"]
    if type in ("get", "put"):
        # Both go through the log: a get is as fresh as what it follows there.
        if role != "leader":
            send(src, "redirect", MID=m["MID"])
        else:
            log.append({**m, "term": term, "by": me})
            replicate()
        return
    if "term" not in m:
        return
    if m["term"] > term:
        step_down(m["term"])
    if type == "vote?":
        fresh = m["last"] >= [log[-1]["term"], len(log)]
        granted = m["term"] == term and voted in (None, src) and fresh
        if granted:
            voted, deadline = src, timeout()
        send(src, "vote", term=term, granted=granted)
    elif type == "vote":
        if role == "candidate" and m["term"] == term and m["granted"]:
            votes.add(src)
            if len(votes) >= majority:
                lead()
    elif type == "append":
        if m["term"] < term:
            send(src, "appended", term=term, match=-1, length=len(log))
            return
        role, leader, deadline = "follower", src, timeout()
        n = m["prev"]
        if n >= len(log) or log[n]["term"] != m["prev_term"]:
            send(src, "appended", term=term, match=-1, length=min(n, len(log)))
            return
        for entry in m["entries"]:
            n += 1
            if n < len(log) and log[n]["term"] != entry["term"]:
                del log[n:]
            if n == len(log):
                log.append(entry)
        commit = max(commit, min(m["commit"], n))
        advance()
        send(src, "appended", term=term, match=n, length=len(log))
    elif type == "appended" and role == "leader" and m["term"] == term:
        if m["match"] < 0:
            next_index[src] = max(1, m["length"])
        elif m["match"] > match[src]:
            match[src] = m["match"]
            next_index[src] = m["match"] + 1
            advance()


while True:
    now = time.monotonic()
    if role == "leader" and now >= beat:
        replicate()
    if role != "leader" and now >= deadline:
        stand()
    wait = (beat if role == "leader" else deadline) - time.monotonic()
    if select.select([sock], [], [], max(0.0, wait))[0]:
        handle(json.loads(sock.recv(32768)))
