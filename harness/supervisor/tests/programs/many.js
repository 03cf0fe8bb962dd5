// Timers, a pool of threads, and sockets.
const net = require("net");
const crypto = require("crypto");
setTimeout(() => console.log("timer", Date.now(), process.hrtime.bigint(), Math.random()), 5000);
require("fs").readFile("/etc/hostname", () => console.log("file", Date.now()));
crypto.pbkdf2("a", "b", 1000, 16, "sha1", (error, key) => console.log(key.toString("hex"), Date.now()));
const server = net.createServer((peer) => peer.on("data", () => peer.end("bye")));
server.listen(0, "127.0.0.1", () => {
    const client = net.connect(server.address().port, () => client.write("hi"));
    client.on("data", (data) => console.log("" + data, server.address().port, Date.now()));
    client.on("end", () => server.close());
});
