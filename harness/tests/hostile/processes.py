"""Attacks on processes: one's own, the other replicas', and the harness itself."""
import ctypes
import os
import resource
import signal
import subprocess
import threading
import time


def pids(store):
    """The process of each replica of this run."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode("latin-1").split("\0")
        except OSError:
            continue
        is_ours = f"--mode={store.mode}" in words and any(store.run in word for word in words)
        for word in words[2:4] if is_ours else []:
            if len(word) == 4:
                found.setdefault(word, int(entry))
                break
    return found


def sibling(store):
    return pids(store)["0001"]


def send(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass


def shell(script):
    subprocess.Popen(["sh", "-c", script])


def as_daemon(work):
    """In a process that belongs to nobody any more: forked twice, a session of its own, an empty environment."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            work()
        os._exit(0)
    os.wait()


def sleeps_without_a_name(_):
    as_daemon(lambda: os.execve("/bin/sleep", ["sleep", "600"], {}))


def stops_by_a_child(_):
    shell(f"kill -STOP {os.getpid()}; sleep 1.2; kill -CONT {os.getpid()}")


def stops_by_a_daemon(_):
    script = f"kill -STOP {os.getpid()}; sleep 1.2; kill -CONT {os.getpid()}"
    as_daemon(lambda: os.execve("/bin/sh", ["sh", "-c", script], {}))


def traces_a_sibling(store):
    attach = 16
    ctypes.CDLL(None).ptrace(attach, sibling(store), 0, 0)


def forks(count, work):
    for _ in range(count):
        if os.fork() == 0:
            work()
            os._exit(0)


def goes_on_as_its_child(_):
    if os.fork():
        os._exit(0)


def ignores_signals(_):
    for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
        signal.signal(number, signal.SIG_IGN)


def takes_another_name(_):
    name = ctypes.create_string_buffer(b"harness) T 1 1")
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)


def computes(_):
    def forever():
        end = time.monotonic() + 20
        while time.monotonic() < end:
            pass

    threading.Thread(target=forever, daemon=True).start()


def eats_memory(store):
    store.kept.append(bytearray(os.urandom(1 << 20)) * 300)


def opens_files(store):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 1024), most))
    try:
        while True:
            store.kept.append(open("/dev/null"))
    except OSError:
        # It still needs a few.
        del store.kept[-2:]


def closes_everything(_):
    for descriptor in range(3):
        os.close(descriptor)


def another_user(_):
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


ATTACKS = {
    "stops-its-parent": lambda _: send(os.getppid(), signal.SIGSTOP),
    "kills-its-parent": lambda _: send(os.getppid(), signal.SIGKILL),
    "interrupts-its-parent": lambda _: send(os.getppid(), signal.SIGINT),
    "kills-its-parents-group": lambda _: send(-os.getpgid(os.getppid()), signal.SIGTERM),
    # A signal that nobody minds, in case that it is not refused.
    "signals-everyone": lambda _: send(-1, signal.SIGURG),
    "stops-itself": lambda _: send(os.getpid(), signal.SIGSTOP),
    "stops-its-group": lambda _: send(0, signal.SIGSTOP),
    "stops-by-a-child": stops_by_a_child,
    "stops-by-a-daemon": stops_by_a_daemon,
    "stops-a-sibling": lambda store: send(sibling(store), signal.SIGSTOP),
    "kills-a-sibling": lambda store: send(sibling(store), signal.SIGKILL),
    "traces-a-sibling": traces_a_sibling,
    "forks-many": lambda _: forks(100, lambda: time.sleep(600)),
    "leaves-zombies": lambda _: forks(100, lambda: None),
    "leaves-a-daemon": sleeps_without_a_name,
    "goes-on-as-its-child": goes_on_as_its_child,
    "ignores-signals": ignores_signals,
    "takes-another-name": takes_another_name,
    "changes-its-directory": lambda _: os.chdir("/"),
    "lowers-its-priority": lambda _: os.nice(19),
    "computes": computes,
    "eats-memory": eats_memory,
    "opens-files": opens_files,
    "closes-everything": closes_everything,
    "becomes-another-user": another_user,
    "exits": lambda _: os._exit(0),
    "exits-by-a-signal": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
}
