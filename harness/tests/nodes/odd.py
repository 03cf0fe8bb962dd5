#!/usr/bin/env python3
"""Echo, as odd as the protocol allows: two messages on a line, empty lines, errors without a code, answers from several
threads and long after they were asked for, and messages before init is answered."""

import json
import sys
import threading
import time

out = threading.Lock()
name = "n0"
all_nodes = []


def write(text):
    with out:
        sys.stdout.write(text)
        sys.stdout.flush()


def message(dest, body):
    return json.dumps({"src": name, "dest": dest, "body": body})


def answer(asked, n):
    body, client = asked["body"], asked["src"]
    reply = message(client, {"type": "echo_ok", "echo": body["echo"], "in_reply_to": body["msg_id"]})
    gossip = message(all_nodes[n % len(all_nodes)], {"type": "gossip", "n": n})
    if n % 11 == 3:
        write(message(client, {"type": "error", "text": "no code", "in_reply_to": body["msg_id"]}) + "\n")
    elif n % 17 == 5:
        time.sleep(0.6)
        write(reply + "\n")
    elif n % 2:
        write("\n  " + gossip + "  " + reply + " \r\n\n")
    else:
        write(reply + "\n")


for n, line in enumerate(line for line in sys.stdin if line.strip()):
    asked = json.loads(line)
    kind = asked["body"]["type"]
    if kind == "init":
        name, all_nodes = asked["body"]["node_id"], asked["body"]["node_ids"]
        for other in all_nodes:
            write(message(other, {"type": "gossip", "n": -1}) + "\n")
        init = {"type": "init_ok", "in_reply_to": asked["body"]["msg_id"]}
        write("\n" + message(asked["src"], init) + message(all_nodes[0], {"type": "gossip", "n": 0}) + "\n")
    elif kind == "echo":
        threading.Thread(target=answer, args=(asked, n)).start()
