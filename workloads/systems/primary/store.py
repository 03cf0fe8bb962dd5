#!/usr/bin/env python3
"""A small replicated store that speaks the protocol of Redis, in one file and without dependencies.

Replica 0 is the primary. It gives each command that changes something a number, and answers when a majority of the
replicas has it on disk; before it reads, it asks a majority whether it is still in touch. The others refer clients to
it by MOVED. There is no failover: while the primary is down, nothing is served. With --wrong it is wrong in one of two
ways.

Commands: GET SET APPEND INCR INCRBY SADD SMEMBERS RPUSH LPUSH LPOP RPOP LRANGE, and EVAL of the one script by which the
harness compares and sets.
"""
import argparse
import json
import os
import socket
import socketserver
import threading
import time

WRONG = {
    "backup-reads": "a backup answers reads from its own copy",
    "forget": "a replica keeps nothing on disk",
}

parser = argparse.ArgumentParser()
parser.add_argument("--id", type=int, required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--peer-port", type=int, required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--peers", default="", help="ID=HOST:CLIENT-PORT:PEER-PORT, separated by commas")
parser.add_argument("--wrong", choices=WRONG, default="", help="; ".join(f"{k}: {v}" for k, v in WRONG.items()))
options = parser.parse_args()

peers = {}
for peer in filter(None, options.peers.split(",")):
    number, address = peer.split("=")
    peers[int(number)] = address.split(":")
majority = (len(peers) + 1) // 2 + 1
READS = {"GET", "SMEMBERS", "LRANGE"}

lock = threading.RLock()
log = []  # commands, in their order
values = {}
applied = 0
log_file = None


class Error(Exception):
    pass


def apply(command):
    """What a command answers: text, number, list, or None for nil."""
    name, key, *rest = command
    held = values.get(key)
    if name == "GET":
        return held if held is None else str(held)
    if name == "SET":
        values[key] = rest[0]
        return "OK"
    if name == "APPEND":
        values[key] = (held or "") + rest[0]
        return len(values[key])
    if name in ("INCR", "INCRBY"):
        values[key] = int(held or 0) + int(rest[0] if rest else 1)
        return values[key]
    if name == "SADD":
        members = values.setdefault(key, {})
        is_new = rest[0] not in members
        members[rest[0]] = True
        return int(is_new)
    if name == "SMEMBERS":
        return list(held or {})
    if name in ("RPUSH", "LPUSH"):
        items = values.setdefault(key, [])
        items.insert(0 if name == "LPUSH" else len(items), rest[0])
        return len(items)
    if name in ("LPOP", "RPOP"):
        return held.pop(0 if name == "LPOP" else -1) if held else None
    if name == "LRANGE":
        return list(held or [])
    if name == "CAS":
        kind, old, new = rest
        if held is None if kind == "nil" else held == old:
            values[key] = new
            return 1
        return 0
    raise Error(f"ERR unknown command '{name}'")


def store(entries, begin):
    """Takes entries of the log, and makes it end there."""
    with lock:
        if begin > len(log):
            return len(log)
        fresh = entries[len(log) - begin:]
        for entry in fresh:
            log_file.write(json.dumps(entry) + "\n")
            log.append(entry)
        if fresh and options.wrong != "forget":
            log_file.flush()
            os.fsync(log_file.fileno())
        return len(log)


def catch_up(length):
    global applied
    with lock:
        while applied < min(length, len(log)):
            apply(log[applied])
            applied += 1


class Link:
    """The primary's connection to one backup."""

    def __init__(self, address):
        self.address, self.socket, self.known, self.lock = address, None, 0, threading.Lock()

    def send(self, length, done):
        """Whether the backup has the log up to there, with all that is done."""
        with self.lock:
            try:
                for _ in range(2):
                    entries = log[self.known:length]
                    self.known = self.ask({"begin": self.known, "entries": entries, "done": done})["length"]
                    if self.known >= length:
                        return True
            except (OSError, ValueError):
                self.socket = None
            return False

    def ask(self, message):
        if self.socket is None:
            host, _, port = self.address
            self.socket = socket.create_connection((host, int(port)), timeout=1)
            self.file = self.socket.makefile("rw")
        self.file.write(json.dumps(message) + "\n")
        self.file.flush()
        line = self.file.readline()
        if not line:
            raise OSError("closed")
        return json.loads(line)


links = {number: Link(address) for number, address in peers.items()}


def spread(length, done):
    """Whether a majority has the log up to there."""
    agreed, left = [1], threading.Semaphore(0)

    def send(link):
        agreed.append(link.send(length, done))
        left.release()

    for link in links.values():
        threading.Thread(target=send, args=(link,), daemon=True).start()
    for _ in links:
        if sum(agreed) >= majority:
            break
        left.acquire()
    return sum(agreed) >= majority


def serve(command):
    """The answer of the primary; None for no answer at all."""
    global applied
    if command[0] == "EVAL":
        command = ["CAS", *command[3:]]
    with lock:
        if command[0] in READS:
            if not spread(len(log), applied):
                raise Error("CLUSTERDOWN no majority")
            return apply(command)
        if command[0] not in ("SET", "APPEND", "INCR", "INCRBY", "SADD", "RPUSH", "LPUSH", "LPOP", "RPOP", "CAS"):
            raise Error(f"ERR unknown command '{command[0]}'")
        store([command], len(log))
        while not spread(len(log), applied):
            time.sleep(0.05)  # it is in the log: it will take effect
        answer = apply(command)
        applied = len(log)
        return answer


class Clients(socketserver.StreamRequestHandler):
    def command(self):
        line = self.rfile.readline()
        if not line.startswith(b"*"):
            return None
        words = []
        for _ in range(int(line[1:])):
            length = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(length + 2)[:-2].decode())
        return [words[0].upper(), *words[1:]]

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while command := self.command():
            try:
                if command[0] == "PING":
                    answer = "PONG"
                elif options.id == 0:
                    answer = serve(command)
                elif options.wrong == "backup-reads" and command[0] in READS:
                    with lock:
                        answer = apply(command)
                else:
                    raise Error(f"MOVED 0 {peers[0][0]}:{peers[0][1]}")
                self.wfile.write(encode(answer))
            except Error as error:
                self.wfile.write(f"-{error}\r\n".encode())


def encode(answer):
    if answer in ("OK", "PONG"):
        return f"+{answer}\r\n".encode()
    if answer is None:
        return b"$-1\r\n"
    if isinstance(answer, int):
        return f":{answer}\r\n".encode()
    if isinstance(answer, str):
        return b"$%d\r\n%s\r\n" % (len(answer.encode()), answer.encode())
    return b"*%d\r\n" % len(answer) + b"".join(encode(str(item)) for item in answer)


class Peers(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            message = json.loads(line)
            length = store(message["entries"], message["begin"])
            catch_up(message["done"])
            self.wfile.write((json.dumps({"length": length}) + "\n").encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


path = os.path.join(options.data, "log.jsonl")
if os.path.exists(path) and options.wrong != "forget":
    with open(path) as lines:
        for line in lines:
            try:
                log.append(json.loads(line))
            except ValueError:
                break  # the last line, cut by a crash
    with open(path, "w") as whole:
        whole.writelines(json.dumps(entry) + "\n" for entry in log)
log_file = open(path, "a")
if options.id == 0:
    catch_up(len(log))
threading.Thread(target=Server(("127.0.0.1", options.peer_port), Peers).serve_forever, daemon=True).start()
Server(("127.0.0.1", options.port), Clients).serve_forever()
