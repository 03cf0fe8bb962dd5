"""Attacks on files: the run's folder, the directory with the sockets, its own data."""
import fcntl
import os
import shutil
import socket
import stat


def replace(store, name):
    """Another file takes its place, with the beginning of what it held."""
    with open(store.inside(name)) as file:
        lines = file.readlines()[:30]
    with open(store.inside(name) + ".mine", "w") as file:
        file.writelines(lines)
    os.rename(store.inside(name) + ".mine", store.inside(name))


def overwrite(store, name):
    with open(store.inside(name), "r+") as file:
        file.seek(200)
        file.write("\n" * 300)


def cut_history(store):
    os.truncate(store.inside("history.jsonl"), 400)


def link_reports(store):
    for name in ["verdict.json", "summary.csv", "report.html", "junit.xml", "latency.csv", "messages.csv",
                 "manifest.json.part", "plan.json.part", "faults.jsonl.new", "leaders.jsonl.new"]:
        os.symlink(os.path.join(store.outside, "precious"), store.inside(name))


def take_report_names(store):
    """Directories stand where reports are to be written."""
    for name in ["verdict.json", "report.html"]:
        os.makedirs(os.path.join(store.inside(name), "inner"))


def link_logs(store):
    logs = os.path.join(store.run, "replicas", "0001")
    os.rename(logs, logs + ".aside")
    os.symlink(store.outside, logs)


def take_log_names(store):
    """A pipe that nobody reads, and a directory."""
    logs = os.path.join(store.run, "replicas", "0001")
    os.remove(os.path.join(logs, "stdout.log"))
    os.mkfifo(os.path.join(logs, "stdout.log"))
    os.remove(os.path.join(logs, "stderr.log"))
    os.mkdir(os.path.join(logs, "stderr.log"))


def lock(store):
    for name in os.listdir(store.run):
        if os.path.isfile(store.inside(name)):
            file = open(store.inside(name), "r+")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            store.kept.append(file)


def forbid(path):
    """All that is in it, and then it."""
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), 0)
        os.chmod(folder, 0)


# The directory with the sockets.

def sockets():
    return [name for name in os.listdir(".") if not name.startswith(".")]


def remove_sockets(_):
    for name in sockets():
        os.remove(name)


def take_sockets(store):
    for name in sockets():
        os.remove(name)
        own = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own.bind(name)
        own.listen()
        store.kept.append(own)


def fill_directory(_):
    os.makedirs("/".join(["deep"] * 200))
    for n in range(300):
        open(f"file-{n}", "w").close()
    os.mkfifo("a fifo")
    os.symlink("/", "root")
    os.chmod("deep/deep", 0)


# Its data, before the run begins.

def link_data(store):
    shutil.rmtree(store.data_folder)
    os.symlink(store.outside, store.data_folder)


def sparse(store):
    with open(store.in_data("sparse"), "wb") as file:
        file.write(b"begin")
        try:
            file.truncate(256 << 30)
            file.seek(100 << 30)
            file.write(b"end")
            file.flush()
        except OSError:
            # Files of this size are forbidden.
            os._exit(0)


def special_files(store):
    os.mkfifo(store.in_data("fifo"))
    own = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(store.data_folder)
    own.bind("socket")
    os.chdir(here)
    if os.geteuid() == 0:
        try:
            os.mknod(store.in_data("zero"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except OSError:
            pass


def odd_names(store):
    for name in [b"line\nbreak", b"\xff\xfe", b"-rf", b"\x1b[31mred", b"x" * 255, b" ", b"=1+1"]:
        with open(os.path.join(os.fsencode(store.data_folder), name), "wb") as file:
            file.write(b"precious")


def many_files(store):
    for n in range(3000):
        with open(store.in_data(str(n)), "w") as file:
            file.write(str(n))


def forbid_data(store):
    with open(store.in_data("file"), "w") as file:
        file.write("precious")
    forbid(store.data_folder)


ATTACKS = {
    "replaces-history": lambda store: replace(store, "history.jsonl"),
    "overwrites-history": lambda store: overwrite(store, "history.jsonl"),
    "cuts-history": cut_history,
    "removes-history": lambda store: os.remove(store.inside("history.jsonl")),
    "replaces-plan": lambda store: replace(store, "plan.json"),
    "replaces-leaders": lambda store: replace(store, "leaders.jsonl"),
    "overwrites-messages": lambda store: overwrite(store, "messages.jsonl"),
    "removes-faults": lambda store: os.remove(store.inside("faults.jsonl")),
    "links-reports": link_reports,
    "takes-the-names-of-reports": take_report_names,
    "links-logs": link_logs,
    "removes-its-logs": lambda store: shutil.rmtree(os.path.join(store.run, "replicas", "0001")),
    "takes-the-names-of-logs": take_log_names,
    "locks-files": lock,
    "forbids-the-run": lambda store: os.chmod(store.run, 0),
    "moves-the-folder": lambda store: os.rename(store.run, store.run + "-moved"),
    "removes-the-folder": lambda store: shutil.rmtree(store.run),
    "removes-sockets": remove_sockets,
    "takes-sockets": take_sockets,
    "fills-its-directory": fill_directory,
    "forbids-its-directory": lambda _: os.chmod(os.getcwd(), 0),
    "removes-its-directory": lambda _: shutil.rmtree(os.getcwd()),
    "moves-its-directory": lambda _: os.rename(os.getcwd(), os.getcwd() + "-moved"),
    "removes-the-mark": lambda _: os.remove(".harness"),
}

# What 0001 does before it connects.
IN_DATA = {
    "links-data": link_data,
    "links-a-file": lambda store: os.symlink(store.precious(), store.in_data("file")),
    "links-a-file-hard": lambda store: os.link(store.precious(), store.in_data("file")),
    "has-a-sparse-file": sparse,
    "has-special-files": special_files,
    "has-deep-directories": lambda store: os.makedirs(os.path.join(store.data_folder, "/".join(["d"] * 600))),
    "has-odd-names": odd_names,
    "has-many-files": many_files,
    "forbids-its-data": forbid_data,
}
