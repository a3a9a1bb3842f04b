"""A shop under fire: the real service, a Chat2Desk API that can fail in every way, and customers.

Everything listens on free ports of the loopback address and lives in a temporary folder.
"""

import http.client
import itertools
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BINARY = os.environ.get("CHAT2ORDER_BIN", "build/src/command/chat2order")
TOKEN = "0123456789abcdef0123456789abcd"
SLOW = float(os.environ.get("CHAT2ORDER_TEST_SLOWNESS", "1"))  # of this build: sanitizers are slower
MESSAGE_IDS = itertools.count(1_000_000)


def wait_for(condition, what, seconds=30.0):
    """Waits until condition() is true; fails with what was waited for, never sleeps for luck."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds * SLOW:.0f} s for {what}"
        time.sleep(0.02)


class Api:
    """The Chat2Desk API: records what it accepted, in order, and fails on demand.

    mode: "ok"; a number, the status to answer; "cut", accepts and closes without an answer; "hang".
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.accepted = []  # (client, text, external_id, monotonic time)
        self.calls = 0
        self.mode = "ok"
        self.only_for = None  # a client: the mode holds for him alone
        self.server = None
        self.port = 0
        self.up()

    def up(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                with api.lock:
                    api.calls += 1
                    mode = api.mode if api.only_for is None else "ok"
                if isinstance(mode, int):
                    self.answer(mode, {"status": "error", "message": "failing on demand"})
                else:
                    self.answer(200, {"status": "success", "data": {"requests_this_month": 1}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                client = str(body["client_id"])
                with api.lock:
                    api.calls += 1
                    mode = api.mode if api.only_for in (None, client) else "ok"
                    if self.headers["Authorization"] != TOKEN:
                        mode = 403
                    if mode in ("ok", "cut"):
                        api.accepted.append((client, body["text"], body["external_id"], time.monotonic()))
                        number = len(api.accepted)
                if mode == "cut":
                    self.close_connection = True
                elif mode == "hang":
                    time.sleep(60)
                elif isinstance(mode, int):
                    text = "You have to specify your token" if mode == 403 else "failing on demand"
                    self.answer(mode, {"status": "error", "message": text})
                else:
                    self.answer(200, {"status": "success", "data": {"message_id": number, "client_id": body["client_id"]}})

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True
            block_on_close = False

            def __init__(self, *args):
                self.connections = []
                super().__init__(*args)

            def process_request(self, request, address):
                self.connections.append(request)
                super().process_request(request, address)

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self):
        """Connections are refused from now on, and those that live are cut."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def texts(self, client):
        with self.lock:
            return [text for who, text, _, _ in self.accepted if who == str(client)]

    def last(self, client):
        texts = self.texts(client)
        return texts[-1] if texts else ""

    def by_client(self):
        told = {}
        with self.lock:
            for who, text, _, _ in self.accepted:
                told.setdefault(who, []).append(text)
        return told


class Service:
    """`chat2order run`, or another role, as a process of its own; start() again takes up what the last one left."""

    role = "run"

    def __init__(self, folder, api, **settings):
        self.folder = str(folder)
        self.api = api
        self.settings = settings
        self.process = None
        self.port = self.admin_port = 0
        self.log_path = os.path.join(self.folder, "service.log")

    @property
    def database(self):
        return os.path.join(self.folder, "data", "chat2order.db")

    def environment(self, **more):
        keep = ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH")
        base = {name: os.environ[name] for name in keep if name in os.environ}
        base.update(
            CHAT2DESK_API_TOKEN=TOKEN, CHAT2DESK_API_URL=self.api.url, CHAT2DESK_RATE_LIMIT="0",
            HOST="127.0.0.1", PORT=str(self.port), ADMIN_PORT="0", DATA_DIR=os.path.join(self.folder, "data"),
            LOG_FORMAT="json", DISK_RESERVE_MB="0", DRAIN_MS="5000")
        base.update({name: str(value) for name, value in {**self.settings, **more}.items()})
        return base

    def spawn(self, prefix=(), **more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, BINARY, self.role], env=self.environment(**more), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log)
        return self.process

    def start(self, prefix=(), **more):
        self.spawn(prefix, **more)
        text = ""
        for line in self.process.stdout:
            text += line.decode()
            ports = re.search(r"Listening\s+(?:\S+?:(\d+) \(public\), )?\S+?:(\d+) \(admin\)", text)
            if ports:
                self.port, self.admin_port = int(ports.group(1) or 0), int(ports.group(2))
                return self
        raise AssertionError(f"the service did not start (exit code {self.process.wait()}): {text}{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def is_dead(self):
        return self.process.poll() is not None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60 * SLOW)
        self.process.stdout.close()
        assert code == 0, f"exit code {code}: {self.log()}"

    def get(self, path, admin=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port if admin else self.port, timeout=10 * SLOW)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def health(self):
        status, body = self.get("/health")
        return status, json.loads(body)

    def metric(self, name):
        _, text = self.get("/metrics", admin=True)
        found = re.search(rf"^chat2order_{re.escape(name)} (\S+)$", text, re.M)
        assert found, f"no metric {name}"
        return float(found.group(1))

    def query(self, sql, *args):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(sql, args).fetchall()

    def orders(self):
        return self.query("SELECT chat2desk_client_id, delivery_address, client_phone, quantity FROM orders ORDER BY id")

    def command(self, *args):
        return subprocess.run([BINARY, *args], env=self.environment(), capture_output=True, text=True, timeout=60 * SLOW)


def payload(client, text, message_id=None, **fields):
    """A customer's message as the vendor posts it."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    body = {
        "message_id": message_id or next(MESSAGE_IDS), "type": "from_client", "text": text, "transport": "telegram",
        "client_id": client, "operator_id": None, "dialog_id": None, "channel_id": 17, "photo": None, "coordinates": None,
        "audio": None, "pdf": None, "client": {"id": client, "phone": f"[tg] {client}", "client_phone": None,
                                               "name": "unknown", "assigned_name": None, "external_id": None},
        "hook_type": "inbox", "request_id": 5357, "attachments": [], "is_new_request": False, "is_new_client": False,
        "extra_data": {}, "event_time": stamp,
    }
    body.update(fields)
    return json.dumps(body).encode()


def post(port, body, headers=None):
    """One webhook on a connection of its own; (status, answer), or None when the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15 * SLOW)
    try:
        connection.request("POST", "/webhook/chat2desk", body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def deliver(service, body, seconds=60.0):
    """As Chat2Desk does: posts until it is answered 200, through crashes and refusals."""
    def accepted():
        answer = post(service.port, body)
        return answer is not None and answer[0] == 200
    wait_for(accepted, "a webhook to be accepted", seconds)


def say(service, client, text, **fields):
    deliver(service, payload(client, text, **fields))


class Customer:
    """Orders something of his own, one message after the other."""

    def __init__(self, number):
        self.id = 20_000_000 + number
        self.address = f"{number + 1} Abay street, flat {number % 90 + 1}"
        self.phone = f"+996700{100000 + number}"
        self.quantity = number % 50 + 1

    @property
    def order(self):
        return (str(self.id), self.address, self.phone, self.quantity)

    @property
    def burst(self):
        return ["Hello", "I would like to order", self.address, self.phone, str(self.quantity)]


def asks(text):
    return "?" in text.rstrip().rsplit("\n", 1)[-1]


def is_summary(text, customer):
    """Shows his fields and ends with the question."""
    return customer.address in text and customer.phone in text and asks(text) and "correct?" in text


def in_parallel(function, items, threads=32):
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
