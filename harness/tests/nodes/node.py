"""A node that speaks Maelstrom's protocol: lines of JSON on standard input and output. No dependencies.

A handler is called with a message and may answer it, send to others, and wait for their answers.
"""

import json
import sys
import threading
import time


class Error(Exception):
    """An error reply, with one of the protocol's codes."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
        self.text = text


class Node:
    def __init__(self):
        self.id = None
        self.all = []
        self.lock = threading.RLock()
        self.out = threading.Lock()
        self.handlers = {}
        self.waiting = {}
        self.next_id = 0
        self.at_start = []

    def on(self, kind):
        """Registers the handler of a message type."""

        def register(handler):
            self.handlers[kind] = handler
            return handler

        return register

    def others(self):
        return [node for node in self.all if node != self.id]

    def log(self, text):
        print(text, file=sys.stderr, flush=True)

    def send(self, dest, body):
        line = json.dumps({"src": self.id, "dest": dest, "body": body})
        with self.out:
            print(line, flush=True)

    def reply(self, message, body):
        self.send(message["src"], {**body, "in_reply_to": message["body"]["msg_id"]})

    def request(self, dest, body, on_reply):
        """Sends a request; on_reply is called with the body of its answer, if one comes."""
        with self.lock:
            self.next_id += 1
            number = self.next_id
            self.waiting[number] = on_reply
        self.send(dest, {**body, "msg_id": number})
        return number

    def ask(self, dest, body, timeout=1.0):
        """Sends a request and waits for its answer."""
        done = threading.Event()
        answer = {}

        def on_reply(body):
            answer.update(body)
            done.set()

        number = self.request(dest, body, on_reply)
        if not done.wait(timeout):
            self.waiting.pop(number, None)
            raise Error(0, f"no answer of {dest}")
        if answer["type"] == "error":
            raise Error(answer["code"], answer.get("text", ""))
        return answer

    def every(self, seconds, action):
        """Calls action again and again, from the time when the node knows its name."""

        def loop():
            while True:
                time.sleep(seconds)
                action()

        self.at_start.append(lambda: threading.Thread(target=loop, daemon=True).start())

    def handle(self, message):
        body = message["body"]
        if "in_reply_to" in body:
            on_reply = self.waiting.pop(body["in_reply_to"], None)
            if on_reply:
                on_reply(body)
            return
        try:
            handler = self.handlers.get(body["type"])
            if handler is None:
                raise Error(10, f"{body['type']} is not known here")
            handler(message)
        except Error as error:
            if "msg_id" in body:
                self.reply(message, {"type": "error", "code": error.code, "text": error.text})

    def run(self, threads=False):
        """Serves until standard input ends. With threads, each message has one of its own, so that a handler may wait."""
        for line in sys.stdin:
            if not line.strip():
                continue
            message = json.loads(line)
            body = message["body"]
            if body["type"] == "init":
                self.id, self.all = body["node_id"], body["node_ids"]
                self.reply(message, {"type": "init_ok"})
                for start in self.at_start:
                    start()
            elif threads and "in_reply_to" not in body:
                threading.Thread(target=self.handle, args=(message,), daemon=True).start()
            else:
                self.handle(message)


def bug():
    """What is wrong on purpose: `--bug NAME`, or nothing."""
    words = sys.argv[1:]
    return words[words.index("--bug") + 1] if "--bug" in words else None
