#!/usr/bin/env node
// A store for the course's protocol that is not replicated at all, over a stream of lines: 0000 leads and alone holds
// the data. It answers after a pause, so that timers and the pool of threads take part.
const crypto = require("crypto");
const net = require("net");

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const me = words[0], LEADER = "0000", data = new Map();
let rest = "";

const wire = net.connect({path: `./${me}`}, () => send("FFFF", "hello", {leader: "FFFF"}));
wire.setEncoding("utf8");
wire.on("close", () => process.exit(0));
wire.on("error", () => process.exit(0));
wire.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) serve(JSON.parse(line));
});

function send(to, type, more) {
    wire.write(JSON.stringify({src: me, dst: to, leader: LEADER, type, ...more}) + "\n");
}

function serve({src, type, MID, key, value}) {
    if (type !== "get" && type !== "put") return;
    if (me !== LEADER) return send(src, "redirect", {MID});
    setTimeout(() => crypto.randomBytes(8, (error, bytes) => {
        if (type === "put") data.set(key, value);
        const answer = type === "get" ? {MID, value: data.get(key) ?? ""} : {MID};
        send(src, "ok", {...answer, token: bytes.toString("hex"), at: process.hrtime.bigint().toString()});
    }), Math.random() * 10);
}
