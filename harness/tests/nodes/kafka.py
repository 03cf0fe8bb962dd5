#!/usr/bin/env python3
"""Logs of messages, on one node or several: each key belongs to one node, to which the others hand its requests.

Bugs: loses (every tenth message is acknowledged and forgotten), same-offset (two messages get one offset now and then),
skips (a poll leaves out its second message now and then), forgets-commits.
"""

import zlib

from node import Error, Node, bug

node = Node()
logs = {}
# By key: the offset that is next.
ends = {}
committed = {}


def owner(key):
    return node.all[zlib.crc32(key.encode()) % len(node.all)]


def append(key, msg):
    with node.lock:
        log = logs.setdefault(key, [])
        offset = ends.get(key, 0)
        ends[key] = offset + 1
        if bug() == "same-offset" and msg % 20 == 0 and log:
            offset = log[-1][0]
        if not (bug() == "loses" and msg % 10 == 0):
            log.append([offset, msg])
        return offset


def read(key, offset):
    with node.lock:
        found = [entry for entry in logs.get(key, []) if entry[0] >= offset][:50]
    if bug() == "skips" and len(found) > 2:
        del found[1]
    return found


def commit(key, offset):
    with node.lock:
        if bug() != "forgets-commits":
            committed[key] = max(offset, committed.get(key, 0))


@node.on("local")
def local(message):
    """What another node hands over: an action on a key that is ours."""
    body = message["body"]
    action = {"append": append, "read": read, "commit": commit, "committed": committed.get}
    node.reply(message, {"type": "local_ok", "result": action[body["action"]](*body["with"])})


def at_owner(key, action, *arguments):
    if owner(key) == node.id:
        actions = {"append": append, "read": read, "commit": commit, "committed": committed.get}
        return actions[action](key, *arguments)
    answer = node.ask(owner(key), {"type": "local", "action": action, "with": [key, *arguments]})
    return answer["result"]


@node.on("send")
def send(message):
    body = message["body"]
    node.reply(message, {"type": "send_ok", "offset": at_owner(body["key"], "append", body["msg"])})


@node.on("poll")
def poll(message):
    offsets = message["body"]["offsets"]
    found = {key: at_owner(key, "read", offset) for key, offset in offsets.items()}
    node.reply(message, {"type": "poll_ok", "msgs": found})


@node.on("commit_offsets")
def commit_offsets(message):
    for key, offset in message["body"]["offsets"].items():
        at_owner(key, "commit", offset)
    node.reply(message, {"type": "commit_offsets_ok"})


@node.on("list_committed_offsets")
def list_committed_offsets(message):
    found = {key: at_owner(key, "committed") for key in message["body"]["keys"]}
    known = {key: offset for key, offset in found.items() if offset is not None}
    node.reply(message, {"type": "list_committed_offsets_ok", "offsets": known})


node.run(threads=True)
