#!/usr/bin/env python3
"""Keys with read, write and compare-and-set: handed to the service lin-kv, which is linearizable.

Bugs: alone (each node has keys of its own), caches (a node answers reads with what it last saw), blind (a
compare-and-set does not look).
"""

from node import Error, Node, bug

node = Node()
own = {}


def alone(body):
    key = body["key"]
    with node.lock:
        if body["type"] == "write":
            own[key] = body["value"]
            return {"type": "write_ok"}
        if key not in own:
            raise Error(20, "there is no such key")
        if body["type"] == "read":
            return {"type": "read_ok", "value": own[key]}
        if own[key] != body["from"]:
            raise Error(22, f"it is {own[key]}")
        own[key] = body["to"]
        return {"type": "cas_ok"}


def serve(message):
    asked = dict(message["body"])
    asked.pop("msg_id")
    if bug() == "alone":
        return node.reply(message, alone(asked))
    if bug() == "caches" and asked["type"] == "read" and asked["key"] in own:
        return node.reply(message, {"type": "read_ok", "value": own[asked["key"]]})
    if bug() == "blind" and asked["type"] == "cas":
        node.ask("lin-kv", {"type": "write", "key": asked["key"], "value": asked["to"]})
        return node.reply(message, {"type": "cas_ok"})
    answer = node.ask("lin-kv", asked)
    if "value" in answer:
        own[asked["key"]] = answer["value"]
    answer.pop("in_reply_to")
    node.reply(message, answer)


for kind in ["read", "write", "cas"]:
    node.on(kind)(serve)
node.run(threads=True)
