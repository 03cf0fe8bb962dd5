#!/usr/bin/env python3
"""A small replicated key-value store over HTTP, in one file and without dependencies.

Every replica coordinates. A write asks a majority for the newest version of the key, and stores a newer one at a
majority. A read asks a majority, and stores what it found at a majority before it answers (Attiya, Bar-Noy and Dolev,
"Sharing memory robustly in message-passing systems", 1995). That is linearizable, needs no leader, and serves as long
as a majority can talk. With --wrong it is wrong in one of three ways that are often met.

    GET /kv/KEY   200 {"value": ...}, or 404
    PUT /kv/KEY   {"value": ...}, 204
    GET /health   200

503 means that no majority was reached: a write may have taken effect all the same.
"""
import argparse
import http.client
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

WRONG = {
    "local-reads": "a read is answered from the replica's own copy",
    "early-ack": "a write is acknowledged when the replica itself has it, and goes to the others later",
    "forget": "a replica keeps nothing on disk",
}

parser = argparse.ArgumentParser()
parser.add_argument("--id", type=int, required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--peer-port", type=int, required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--wrong", choices=WRONG, default="", help="; ".join(f"{k}: {v}" for k, v in WRONG.items()))
parser.add_argument("peers", nargs="*", help="HOST:PORT of the other replicas")
options = parser.parse_args()

majority = (len(options.peers) + 1) // 2 + 1
copies = {}  # key: [version, id of the writer, value]
lock = threading.Lock()
clock = 0
pool = ThreadPoolExecutor(max_workers=64)


def log_path():
    return os.path.join(options.data, "log.jsonl")


def load():
    if options.wrong == "forget" or not os.path.exists(log_path()):
        return
    with open(log_path()) as log:
        for line in log:
            try:
                key, copy = json.loads(line)
            except ValueError:
                continue  # the last line, cut by a crash
            copies[key] = max(copies.get(key, [0, 0, None]), copy, key=lambda it: it[:2])


def read_copy(key):
    with lock:
        return copies.get(key, [0, 0, None])


def store_copy(key, copy):
    with lock:
        if copy[:2] <= copies.get(key, [0, 0, None])[:2]:
            return
        if options.wrong != "forget":
            with open(log_path(), "a") as log:
                log.write(json.dumps([key, copy]) + "\n")
                log.flush()
                os.fsync(log.fileno())
        copies[key] = copy


def call(peer, method, key, body=None):
    connection = http.client.HTTPConnection(peer, timeout=1)
    try:
        connection.request(method, "/copy/" + quote(key, safe=""), json.dumps(body))
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"status {response.status}")
        return json.loads(response.read())
    finally:
        connection.close()


def ask_majority(own, method, key, body=None):
    """The answers of a majority, our own first; None if there is none."""
    answers = [own]
    if len(answers) >= majority:
        return answers
    for future in as_completed([pool.submit(call, peer, method, key, body) for peer in options.peers]):
        if future.exception() is None:
            answers.append(future.result())
            if len(answers) >= majority:
                return answers
    return None


def newest(key):
    answers = ask_majority(read_copy(key), "GET", key)
    return answers and max(answers, key=lambda copy: copy[:2])


def spread(key, copy):
    store_copy(key, copy)
    return ask_majority(True, "PUT", key, copy) is not None


def get(key):
    if options.wrong == "local-reads":
        return read_copy(key)
    copy = newest(key)
    if copy is None or copy[0] == 0:
        return copy
    return copy if spread(key, copy) else None


def put(key, value):
    global clock
    if options.wrong == "early-ack":
        version, _, _ = read_copy(key)
    else:
        found = newest(key)
        if found is None:
            return False
        version = found[0]
    with lock:
        clock = max(clock, version) + 1
        copy = [clock, options.id, value]
    if options.wrong == "early-ack":
        store_copy(key, copy)
        threading.Timer(0.2, spread, (key, copy)).start()
        return True
    return spread(key, copy)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"id": options.id})
        _, room, key = self.path.split("/", 2)
        if room == "copy":
            return self.answer(200, read_copy(unquote(key)))
        copy = get(unquote(key))
        if copy is None:
            return self.answer(503, {"error": "no majority"})
        if copy[0] == 0:
            return self.answer(404, {"error": "no such key"})
        return self.answer(200, {"value": copy[2]})

    def do_PUT(self):
        _, room, key = self.path.split("/", 2)
        body = self.body()
        if room == "copy":
            store_copy(unquote(key), body)
            return self.answer(200, True)
        if put(unquote(key), body["value"]):
            return self.answer(204)
        return self.answer(503, {"error": "no majority"})

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


load()
threading.Thread(target=Server(("127.0.0.1", options.peer_port), Handler).serve_forever, daemon=True).start()
print(f"replica {options.id} listens at {options.port}", flush=True)
Server(("127.0.0.1", options.port), Handler).serve_forever()
