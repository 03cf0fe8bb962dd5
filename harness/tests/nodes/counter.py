#!/usr/bin/env python3
"""A counter that grows and falls: each node counts what it was asked for, and tells the others its own sum.

Bugs: seq-kv (all nodes read and write one number in the service seq-kv, without compare-and-set).
"""

from node import Error, Node, bug

node = Node()
sums = {}


@node.on("add")
def add(message):
    delta = message["body"]["delta"]
    if bug() == "seq-kv":
        try:
            now = node.ask("seq-kv", {"type": "read", "key": "sum"})["value"]
        except Error as error:
            if error.code != 20:
                raise
            now = 0
        node.ask("seq-kv", {"type": "write", "key": "sum", "value": now + delta})
    else:
        with node.lock:
            sums[node.id] = sums.get(node.id, 0) + delta
    node.reply(message, {"type": "add_ok"})


@node.on("read")
def read(message):
    if bug() == "seq-kv":
        try:
            total = node.ask("seq-kv", {"type": "read", "key": "sum"})["value"]
        except Error as error:
            if error.code != 20:
                raise
            total = 0
    else:
        with node.lock:
            total = sum(sums.values())
    node.reply(message, {"type": "read_ok", "value": total})


@node.on("sum")
def heard(message):
    with node.lock:
        sums[message["src"]] = message["body"]["sum"]


def gossip():
    with node.lock:
        own = sums.get(node.id, 0)
    for other in node.others():
        node.send(other, {"type": "sum", "sum": own})


node.every(0.25, gossip)
node.run(threads=True)
