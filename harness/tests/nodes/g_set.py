#!/usr/bin/env python3
"""A set that only grows: each node tells all others what it has, four times a second.

Bugs: alone (it tells nobody), replaces (what it is told takes the place of what it has).
"""

from node import Node, bug

node = Node()
elements = set()


@node.on("add")
def add(message):
    with node.lock:
        elements.add(message["body"]["element"])
    node.reply(message, {"type": "add_ok"})


@node.on("read")
def read(message):
    with node.lock:
        node.reply(message, {"type": "read_ok", "value": sorted(elements)})


@node.on("merge")
def merge(message):
    with node.lock:
        if bug() == "replaces":
            elements.clear()
        elements.update(message["body"]["elements"])


def gossip():
    with node.lock:
        known = sorted(elements)
    for other in [] if bug() == "alone" else node.others():
        node.send(other, {"type": "merge", "elements": known})


node.every(0.25, gossip)
node.run()
