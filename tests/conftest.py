"""Fixtures for tests of the whole program (tests/program, tests/fire).

The binary is the one named by CHAT2ORDER_BIN, else build/src/command/chat2order. Every test has its own
data folder, its own ports and an environment without any setting of the machine's.

    def test_something(start_service, chat2order, wait_until):
        service = start_service(WORKER_CONCURRENCY=50)      # the demo: with a simulated Chat2Desk
        ...
        assert chat2order("orders", "list", "--json").json == []
        service.kill(); service = start_service()           # the same data and ports again
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOWNESS = float(os.environ.get("CHAT2ORDER_TEST_SLOWNESS", "1"))  # of the program: sanitizers make it slow
PATIENCE_S = 30.0 * SLOWNESS  # for anything that has to happen


def wait_for(condition, what, patience_s=PATIENCE_S):
    """The first true value of condition(), asked every 20 ms; fails with `what` when it does not come."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience_s:g} s in vain: {what() if callable(what) else what}")
        time.sleep(0.02)


def a_free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    """Of an HTTP request: status, headers, body; json on demand."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def http(method, url, body=None, headers=None, timeout_s=15.0 * SLOWNESS):
    """One request; a dict or list as body is sent as JSON. Answers of every status are returned."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Ended:
    """Of a command: exit code, standard output and error; json on demand."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


class Program:
    """The binary with one data folder and one set of ports."""

    def __init__(self, binary, folder):
        self.binary, self.folder = str(binary), pathlib.Path(folder)
        self.data_dir = self.folder / "data"
        self.ports = {name: a_free_port() for name in ("PORT", "ADMIN_PORT", "SIMULATOR_PORT")}

    def environment(self, settings):
        env = {name: os.environ[name] for name in os.environ
               if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_")) or name in ("PATH", "LANG", "TMPDIR")}
        env.update(HOME=str(self.folder), DATA_DIR=str(self.data_dir), HOST="127.0.0.1")
        env.update({name: str(port) for name, port in self.ports.items()})
        env.update({name: str(value) for name, value in settings.items()})
        return env

    def command(self, *words, input=None, timeout_s=60.0 * SLOWNESS, **settings):
        return Ended(subprocess.run([self.binary, *map(str, words)], input=input, env=self.environment(settings),
                                    capture_output=True, text=True, timeout=timeout_s, cwd=self.folder))


class Service:
    """A running `chat2order run`. Its output goes to the files .out and .err of the test's folder."""

    def __init__(self, program, words, settings):
        self.program = program
        self.url = f"http://127.0.0.1:{program.ports['PORT']}"
        self.admin_url = f"http://127.0.0.1:{program.ports['ADMIN_PORT']}"
        self.simulator_url = f"http://127.0.0.1:{program.ports['SIMULATOR_PORT']}"
        self.out, self.err = program.folder / "service.out", program.folder / "service.err"
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.greeting_at = out.tell()
            self.process = subprocess.Popen([program.binary, "run", *map(str, words)], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err, env=program.environment(settings),
                                            cwd=program.folder)

    def healthy(self):
        """Greeted (in the demo only then is the webhook registered), and /health answers 200."""
        if b"Ctrl-C stops." not in self.out.read_bytes()[self.greeting_at:]:
            return False
        try:
            return http("GET", self.url + "/health", timeout_s=2.0).status == 200
        except OSError:
            return False

    def wait_healthy(self):
        wait_for(lambda: self.process.poll() is not None or self.healthy(), lambda: "health\n" + self.log())
        assert self.process.poll() is None, "the service ended:\n" + self.log()
        return self

    def log(self):
        return self.err.read_text(errors="replace")[-4000:]

    def post(self, body, headers=None, path="/webhook/chat2desk"):
        return http("POST", self.url + path, body, headers)

    def stop(self):
        """As Ctrl-C does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail("the service did not stop:\n" + self.log())

    def kill(self):
        """As a crash does."""
        self.process.kill()
        return self.process.wait(timeout=PATIENCE_S)


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("CHAT2ORDER_BIN", ROOT / "build" / "src" / "command" / "chat2order"))
    if not path.exists():
        pytest.exit(f"there is no program at {path}; build it (./run --help) or set CHAT2ORDER_BIN", returncode=2)
    return path.resolve()


@pytest.fixture
def program(binary, tmp_path):
    return Program(binary, tmp_path)


@pytest.fixture
def chat2order(program):
    """chat2order("orders", "list", "--json", NAME=value...) runs a command; .code, .out, .err, .json."""
    return program.command


@pytest.fixture
def start_service(program):
    """start_service(*words, NAME=value...) runs the service and waits until it is healthy (wait=False: not).
    Without CHAT2DESK_API_TOKEN it is the demo. All are stopped at the test's end, and must stop cleanly."""
    started = []

    def start(*words, wait=True, **settings):
        service = Service(program, words, settings)
        started.append(service)
        return service.wait_healthy() if wait else service

    yield start
    codes = [service.stop() for service in reversed(started) if service.process.poll() is None]
    assert all(code == 0 for code in codes), f"a service ended with {codes}:\n" + started[-1].log()


@pytest.fixture
def wait_until():
    return wait_for


@pytest.fixture
def request_http():
    return http


@pytest.fixture
def free_port():
    return a_free_port
