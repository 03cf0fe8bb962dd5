#!/usr/bin/env python3
"""Broadcast: what a node hears of, it tells its neighbours, again and again until they have said that they know it.

Bugs: once (it tells only once), forgets (every tenth value), invents (a value that nobody sent), early (it
acknowledges, and keeps the value only half a second later).
"""

import threading

from node import Node, bug

node = Node()
values = set()
neighbours = []
# By neighbour: what it has not said that it knows.
unknown = {}


def hear(new, source):
    with node.lock:
        new = [value for value in new if value not in values]
        if bug() == "forgets":
            new = [value for value in new if value % 10]
        values.update(new)
        for other in neighbours:
            if other != source:
                unknown.setdefault(other, set()).update(new)
    for other in neighbours:
        if other != source and new:
            tell(other, new)


def tell(other, news):
    def known(_):
        with node.lock:
            unknown.get(other, set()).difference_update(news)

    node.request(other, {"type": "gossip", "values": news}, known)


@node.on("topology")
def topology(message):
    neighbours[:] = message["body"]["topology"][node.id]
    node.reply(message, {"type": "topology_ok"})


@node.on("broadcast")
def broadcast(message):
    node.reply(message, {"type": "broadcast_ok"})
    value = message["body"]["message"]
    if bug() == "early":
        threading.Timer(0.5, hear, [[value], None]).start()
    else:
        hear([value], None)


@node.on("gossip")
def gossip(message):
    hear(message["body"]["values"], message["src"])
    node.reply(message, {"type": "gossip_ok"})


@node.on("read")
def read(message):
    with node.lock:
        known = sorted(values)
    if bug() == "invents" and len(known) > 10:
        known.append(-1)
    node.reply(message, {"type": "read_ok", "messages": known})


def retry():
    if bug() == "once":
        return
    with node.lock:
        late = {other: sorted(news) for other, news in unknown.items() if news}
    for other, news in late.items():
        tell(other, news)


node.every(0.2, retry)
node.run()
