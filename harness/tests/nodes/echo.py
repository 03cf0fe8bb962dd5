#!/usr/bin/env python3
"""Echo: each text comes back. Bugs: changed, no-reply-to, wrong-type, prints, silent, dies."""

import sys

from node import Node, bug

node = Node()
heard = 0


@node.on("echo")
def echo(message):
    global heard
    heard += 1
    text = message["body"]["echo"]
    if bug() == "changed" and heard % 10 == 0:
        text = text.upper()
    if bug() == "silent":
        return
    if bug() == "dies" and heard == 10:
        sys.exit("I have heard enough")
    if bug() == "prints":
        print("got a message")
    if bug() == "no-reply-to":
        return node.send(message["src"], {"type": "echo_ok", "echo": text})
    kind = "echo_okay" if bug() == "wrong-type" else "echo_ok"
    node.reply(message, {"type": kind, "echo": text})


node.run()
