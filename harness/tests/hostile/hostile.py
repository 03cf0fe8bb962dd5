#!/usr/bin/env python3
"""A store for the course's protocol that attacks the harness that tests it.

Started as `hostile.py [<udp port>] <id> <other id>... --mode=MODE --data={data} [--transport=KIND]
[--outside=DIR] [--forgets]`. 0000 leads and alone holds the data: right as long as it lives, unless it
forgets every tenth put. 0000 attacks once, in the midst of the run (in its own data directory 0001, at its
start); what each mode does stands in the table of `tests/it/hostile/table.rs`.
"""
import json
import os
import socket
import sys
import time

# Nothing is written beside the tests.
sys.dont_write_bytecode = True
import files  # noqa: E402
import messages  # noqa: E402
import processes  # noqa: E402

LEADER = "0000"


class Store:
    def __init__(self):
        options = dict((a[2:] + "=").split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
        options = {name: value.rstrip("=") for name, value in options.items()}
        words = [a for a in sys.argv[1:] if not a.startswith("--")]
        self.kind, self.mode = options.get("transport", "seqpacket"), options["mode"]
        self.forgets = "forgets" in options
        self.port = int(words.pop(0)) if self.kind == "udp" else None
        self.me, self.peers = words[0], words[1:]
        if not self.peers:
            sys.exit("hostile.py: no other ids")
        self.data_folder, self.outside = options["data"], options.get("outside", "")
        self.run = os.path.dirname(os.path.dirname(os.path.dirname(self.data_folder)))
        self.data, self.asked, self.kept, self.rest = {}, 0, [], b""

    def inside(self, name):
        return os.path.join(self.run, name)

    def in_data(self, name):
        return os.path.join(self.data_folder, name)

    def precious(self):
        return os.path.join(self.outside, "precious")

    def connect(self):
        if self.kind == "udp":
            self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.wire.bind(("localhost", 0))
        else:
            kind = socket.SOCK_STREAM if self.kind == "stream" else socket.SOCK_SEQPACKET
            self.wire = socket.socket(socket.AF_UNIX, kind)
            self.wire.connect(self.me)
        self.rest = b""

    def packet(self, to, type, **more):
        packet = {"src": self.me, "dst": to, "leader": LEADER, "type": type, **more}
        return json.dumps(packet).encode() + (b"\n" if self.kind == "stream" else b"")

    def send(self, to, type, **more):
        self.send_bytes(self.packet(to, type, **more))

    def send_raw(self, packet):
        self.send_bytes(packet + (b"\n" if self.kind == "stream" else b""))

    def send_bytes(self, packet):
        try:
            if self.kind == "udp":
                self.wire.sendto(packet, ("localhost", self.port))
            else:
                self.wire.sendall(packet)
        except OSError:
            sys.exit(0)

    def packets(self):
        while True:
            received = self.wire.recv(1 << 17)
            if not received:
                sys.exit(0)
            if self.kind != "stream":
                yield received
                continue
            *lines, self.rest = (self.rest + received).split(b"\n")
            yield from lines

    def attack(self, request):
        if self.mode in messages.ATTACKS:
            messages.ATTACKS[self.mode](self, request)
        for attacks in [files.ATTACKS, processes.ATTACKS]:
            if self.mode in attacks:
                attacks[self.mode](self)

    def answer(self, request):
        mid, key = request["MID"], request["key"]
        if self.me != LEADER:
            self.send(request["src"], "redirect", MID=mid)
            return
        answers = {}
        if request["type"] == "get":
            answers["value"] = self.data.get(key, "")
        elif not self.forgets or self.asked % 10:
            self.data[key] = request["value"]
        if self.mode == "answers-late" and self.asked % 20 == 0:
            time.sleep(0.7)
        if self.mode == "answers-never" and self.asked > 60:
            return
        self.send(request["src"], "ok", MID=mid, **answers)
        if self.mode == "answers-twice":
            self.send(request["src"], "ok", MID=mid, **answers)

    def is_fresh(self):
        try:
            return not os.listdir(self.data_folder)
        except OSError:
            return False

    def serve(self):
        if self.mode in files.IN_DATA and self.me == "0001" and self.is_fresh():
            files.IN_DATA[self.mode](self)
        if self.mode == "exits-at-once":
            sys.exit(0)
        self.connect()
        self.send("FFFF", "hello")
        for packet in self.packets():
            try:
                request = json.loads(packet)
            except (ValueError, RecursionError):
                # Said by an attacker.
                continue
            if request.get("type") not in ("get", "put"):
                continue
            self.asked += 1
            if self.me == LEADER and self.asked == 60:
                self.attack(request)
            if self.mode == "reconnects" and self.asked % 40 == 0 and self.kind != "udp":
                messages.close_and_reopen(self)
                continue
            self.answer(request)


Store().serve()
