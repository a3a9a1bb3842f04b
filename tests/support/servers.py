"""A Redis and a PostgreSQL of a test's own: on free ports, in a temporary folder, gone at its end.

Both can be stopped, killed as by kill -9, frozen (SIGSTOP) and started again on the same port with the same data; of
PostgreSQL all its processes at once. PostgreSQL does not run as root: then it runs as nobody.
"""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)


class Server:
    """What both have in common: a process that can be ended in every way and started again."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="chat2order-test-")
        os.chmod(self.folder, 0o777)
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        wait_until(lambda: self.process.poll() is not None or self.answers(), f"{type(self).__name__} to answer")
        assert self.process.poll() is None, self.log()
        return self

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-3000:]

    def end(self, with_signal):
        if self.process is None:
            return
        self.process.send_signal(with_signal)
        self.process.wait(30)
        self.process = None

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Server):
    """appendfsync: "always", "everysec", "no"; None: nothing is kept on disk."""

    def __init__(self, appendfsync="always", **config):
        super().__init__()
        self.appendfsync, self.config = appendfsync, config

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self):
        kept = ["--appendonly", "yes", "--appendfsync", self.appendfsync] if self.appendfsync else ["--appendonly", "no"]
        more = [word for name, value in self.config.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                "--daemonize", "no", *kept, *more]

    def call(self, *words):
        """One command by redis-cli; its answer as lines."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, words)], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.rstrip("\n")

    def answers(self):
        return self.call("PING") == "PONG"

    def keep(self):
        """What it has acknowledged until now is what roll_back() goes back to."""
        shutil.copytree(os.path.join(self.folder, "appendonlydir"), os.path.join(self.folder, "kept"))

    def roll_back(self):
        """Killed, and started again as a crash or a failover leaves it that lost the newest."""
        self.kill()
        shutil.rmtree(os.path.join(self.folder, "appendonlydir"))
        shutil.move(os.path.join(self.folder, "kept"), os.path.join(self.folder, "appendonlydir"))
        return self.start()


class Postgres(Server):
    """fsync is on, unless told otherwise; user and database are "shop", without a password."""

    def __init__(self, fsync=True):
        super().__init__()
        self.fsync = fsync
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.data = os.path.join(self.folder, "data")
        self.made = False

    def as_user(self, *words):
        root = os.geteuid() == 0
        return [*(("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups") if root else ()), *words]

    @property
    def url(self):
        return f"postgresql://shop@127.0.0.1:{self.port}/shop"

    def make(self):
        subprocess.run(self.as_user(f"{self.bin}/initdb", "-D", self.data, "-U", "shop", "-A", "trust", "-E", "UTF8",
                                    "--locale=C.UTF-8", "--no-sync"), check=True, capture_output=True, cwd=self.folder)

    def command(self):
        if not os.path.isdir(self.data):
            self.make()
        return self.as_user(f"{self.bin}/postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                            "-c", f"unix_socket_directories={self.folder}", "-c", f"fsync={'on' if self.fsync else 'off'}",
                            "-c", "max_connections=60")

    def family(self):
        """Its first process and all that it has made."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            return [self.process.pid, *map(int, children.read().split())]

    def send_all(self, with_signal):
        for pid in self.family():
            try:
                os.kill(pid, with_signal)
            except ProcessLookupError:
                pass

    def stop(self):
        self.end(signal.SIGINT)

    def kill(self):
        if self.process is not None:
            self.freeze()  # so that it makes no new ones meanwhile
            self.send_all(signal.SIGKILL)
            self.end(signal.SIGKILL)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.send_all(signal.SIGSTOP)

    def thaw(self):
        self.send_all(signal.SIGCONT)

    def start(self):
        """A killed one's last process may still be there for a moment, and hold its memory."""
        for _ in range(50):
            try:
                return super().start()
            except AssertionError:
                if "pre-existing shared memory" not in self.log() and "lock file" not in self.log():
                    raise
                time.sleep(0.1)
        raise AssertionError(self.log())

    def psql(self, database, sql):
        return subprocess.run([f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-h", "127.0.0.1", "-p", str(self.port),
                               "-U", "shop", "-d", database, "-c", sql], capture_output=True, text=True, timeout=20, check=False)

    def answers(self):
        if self.psql("postgres", "SELECT 1").stdout.strip() != "1":
            return False
        if not self.made:
            self.psql("postgres", "CREATE DATABASE shop")
            self.made = True
        return True

    def query(self, sql):
        """Rows as tuples of texts."""
        done = self.psql("shop", sql)
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    def lock(self, table):
        """Held until its let_go(): who changes rows of it waits."""
        return TableLock(self, table)


class TableLock:
    def __init__(self, postgres, table):
        self.psql = subprocess.Popen([f"{postgres.bin}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "shop", "-d", "shop"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.psql.stdin.write(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT 'locked';\n")
        self.psql.stdin.flush()
        while "locked" not in self.psql.stdout.readline():
            assert self.psql.poll() is None, "psql has ended"

    def let_go(self):
        self.psql.communicate("COMMIT;\n", timeout=20)
