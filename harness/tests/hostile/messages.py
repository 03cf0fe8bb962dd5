"""Attacks by what is said, and by how: each gets the store, and the request that came last."""
import json
import os
import socket
import sys
import time


def wire(store):
    """A connection of this replica besides its own."""
    another = socket.socket(socket.AF_UNIX, store.wire.type)
    another.connect(store.me)
    return another


def flood(store, to):
    for n in range(3_000):
        store.send(to, "flood", number=n)


def flood_clients(store, request):
    for _ in range(5_000):
        store.send(request["src"], "ok", MID=request["MID"], value=store.data.get(request["key"], ""))


def close_and_reopen(store):
    store.wire.close()
    time.sleep(0.05)
    store.connect()
    store.send("FFFF", "hello")


def hang_up(store):
    if store.kind != "udp":
        store.wire.shutdown(socket.SHUT_WR)
    time.sleep(600)


def connect_often(store):
    """So many connections that none reads."""
    for _ in range(300):
        store.kept.append(wire(store))


def connect_as_another(store):
    other = socket.socket(socket.AF_UNIX, store.wire.type)
    other.connect("0001")
    other.sendall(store.packet("FFFF", "hello", src="0001"))
    store.kept.append(other)


def print_much(_):
    for _ in range(400):
        sys.stdout.write("x" * 500_000 + "\n")
    sys.stdout.flush()


def print_garbage(_):
    os.write(2, bytes(range(256)) * 4000 + b"\x1b[2J\x1b]0;owned\x07 no newline")
    os._exit(3)


def raw(*texts):
    def attack(store, _):
        for text in texts:
            store.send_raw(text if isinstance(text, bytes) else text.encode())

    return attack


def message(**more):
    """A message to another replica in which some words are others."""
    return {"src": "0000", "dst": "0001", "leader": "0000", "type": "x", **more}


def said(**more):
    return raw(json.dumps(message(**more)))


def length(bytes_):
    """A message of just so many bytes."""
    rest = bytes_ - len(json.dumps(message(pad="")))
    return said(pad="x" * rest)


DEEP = '{"src":"0000","dst":"0001","leader":"0000","type":"x","d":' + "[" * 5000 + "]" * 5000 + "}"
TWICE = '{"src":"0000","src":"0001","dst":"0001","dst":"0002","leader":"0000","type":"x"}'
NOT_A_NUMBER = '{"src":"0000","dst":"0001","leader":"0000","type":"x","n":NaN}'
SURROGATE = '{"src":"0000","dst":"0001","leader":"0000","type":"x","v":"\\ud800"}'

ATTACKS = {
    "floods-a-replica": lambda store, _: flood(store, "0001"),
    "floods-all": lambda store, _: flood(store, "FFFF"),
    "floods-clients": flood_clients,
    "says-nonsense": raw("nonsense", "[]", "7", "null", '"text"', b"\xff\xfe\x00", "{"),
    "says-nothing": lambda store, _: store.send_raw(b""),
    "nests-deeply": raw(DEEP),
    "says-keys-twice": raw(TWICE),
    "says-nan": raw(NOT_A_NUMBER),
    "says-a-lone-surrogate": raw(SURROGATE),
    "says-wrong-types": raw(*(json.dumps(message(**one)) for one in [
        {"src": 7}, {"dst": ["0001"]}, {"leader": {}}, {"type": None}, {"MID": -1, "dst": "0015", "type": "ok"}])),
    "says-a-byte-too-much": length(16_385),
    "says-much": length(60_000),
    "forges-its-name": said(src="0002"),
    "forges-a-client": lambda store, request: said(src=request["src"])(store, request),
    "forges-a-leader": said(leader="0099"),
    "forges-a-leader-that-is-none": said(leader="a leader"),
    "claims-that-all-lead": lambda store, _: [store.send("0001", "x", leader=peer) for peer in store.peers],
    "answers-nobody": lambda store, request: store.send(request["src"], "ok", MID="never asked", value=""),
    "answers-with-another-type": lambda store, request: store.send(request["src"], "okay", MID=request["MID"]),
    "answers-another-client": lambda store, request: store.send(
        "0015" if request["src"] == "0016" else "0016", "ok", MID=request["MID"], value=""),
    "closes-and-reopens": lambda store, _: close_and_reopen(store),
    "hangs-up": lambda store, _: hang_up(store),
    "does-not-read": lambda store, _: time.sleep(600),
    "connects-often": lambda store, _: connect_often(store),
    "connects-as-another": lambda store, _: connect_as_another(store),
    "prints-much": lambda store, _: print_much(store),
    "prints-garbage": lambda store, _: print_garbage(store),
}
