# Threads, coroutines, processes and sockets at once.
import asyncio, multiprocessing, random, subprocess, threading, time


def hold(queue, lock, seconds):
    with lock:
        time.sleep(seconds)
        queue.put((seconds, time.monotonic()))


async def serve(reader, writer):
    while line := await reader.readline():
        await asyncio.sleep(random.random())
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def ask(port, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in range(3):
        writer.write(f"{name} {n}\n".encode())
        print(await reader.readline(), time.time())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print("port", port)
    await asyncio.gather(*[ask(port, name) for name in "abc"])
    child = await asyncio.create_subprocess_exec("sleep", "7")
    print(await child.wait(), time.monotonic())
    server.close()


if __name__ == "__main__":
    print(len({1, 2, "a", "b"}), {"x", "y", "z"}, random.random())
    queue, lock = multiprocessing.Queue(), multiprocessing.Lock()
    started = [multiprocessing.Process(target=hold, args=(queue, lock, n)) for n in (3, 1, 2)]
    for process in started:
        process.start()
    print([queue.get() for _ in started])
    for process in started:
        process.join()
    threads = [threading.Thread(target=lambda n=n: (time.sleep(n), print(n, time.monotonic()))) for n in (3, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(subprocess.run(["sh", "-c", "sleep 5; date +%s.%N; echo $$"], capture_output=True).stdout)
    asyncio.run(main())
