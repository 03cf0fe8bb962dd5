#!/usr/bin/env python3
"""Unique ids: the node's name and a count. Bugs: count (without the name)."""

from node import Node, bug

node = Node()
count = 0


@node.on("generate")
def generate(message):
    global count
    count += 1
    new = count if bug() == "count" else f"{node.id}-{count}"
    node.reply(message, {"type": "generate_ok", "id": new})


node.run()
