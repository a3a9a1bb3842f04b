"""The webhook of the real program: every sample, every refusal, and clients that do not behave."""

import concurrent.futures
import http.client
import json
import pathlib
import resource
import socket
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fire"))

from harness import SLOW, Api, Service, payload, post, wait_for  # noqa: E402

SAMPLES = pathlib.Path(__file__).parent.parent / "samples"
RESIDENT_KB_MAX = 48 * 1024


@pytest.fixture
def start(tmp_path):
    """Starts services that must have ended well after the test."""
    api = Api()
    started = []

    def one(**settings):
        started.append(Service(tmp_path, api, **settings).start())
        return started[-1]

    yield one
    for service in started:
        if not service.is_dead():
            service.stop()
    api.down()


def raw(service, *pieces, patience=10.0):
    """Sends bytes as they are and reads until the other side ends; what came."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=patience * SLOW) as connection:
        for piece in pieces:
            connection.sendall(piece)
        got = b""
        while chunk := connection.recv(65536):
            got += chunk
        return got


def resident_kb(service):
    status = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


# ---- samples -----------------------------------------------------------------------------------------

STORED = {"01-inbox-text-widget.raw.json": "28780", "02-inbox-text-telegram.json": "106773169",
          "04-inbox-subset-telegram.json": "110549894"}
IGNORED = {"03-outbox-text-telegram.json": 'kind="outbox"', "05-new_request.json": 'kind="request"',
           "06-operator_status_updated.json": 'kind="operator_status"', "07-comment.json": 'kind="comment"',
           "08-imported_message.json": 'kind="imported_message"', "09-system_message.json": 'kind="system_message"',
           "20-api-message-object.json": 'kind="other"'}


def test_samples_are_all_known():
    payloads = {path.name for path in SAMPLES.glob("*.json")} - {"01-inbox-text-widget.signature.json"}
    assert payloads == set(STORED) | set(IGNORED)


def test_messages_are_stored_once(start):
    service = start()
    for name, message_id in STORED.items():
        body = (SAMPLES / name).read_bytes()
        assert post(service.port, body) == (200, {"success": True})
        assert post(service.port, body) == (200, {"success": True, "duplicate": True})
        wait_for(lambda: service.query("SELECT 1 FROM message_logs WHERE message_id = ?", message_id), "its log row")
    assert service.metric("webhook_received_total") == len(STORED)
    assert service.metric("webhook_duplicates_total") == len(STORED)


def test_events_are_counted_by_kind(start):
    service = start()
    for name, label in IGNORED.items():
        assert post(service.port, (SAMPLES / name).read_bytes()) == (200, {"success": True})
        assert service.metric(f"webhook_ignored_total{{{label}}}") == 1
    assert service.metric("webhook_received_total") == 0


def test_short_form(start):
    service = start()
    assert post(service.port, b'{"client_id":"c-1","text":"Hi","message_id":"m-1","timestamp":1743681006}')[0] == 200
    assert post(service.port, b'{"client_id":1,"text":"Hi","message_id":9223372036854775807}')[0] == 200
    status, answer = post(service.port, b'{"client_id":1,"text":"Hi"}')
    assert status == 400 and answer["error"].startswith("Missing required fields")


def test_fifty_at_once_are_one_message(start):
    service = start()
    body = payload(77, "Hello")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post(service.port, body), range(50)))
    assert [status for status, _ in answers] == [200] * 50
    assert sum("duplicate" not in answer for _, answer in answers) == 1


# ---- signature ---------------------------------------------------------------------------------------

def test_the_vendors_signed_example(start):
    signed = json.loads((SAMPLES / "01-inbox-text-widget.signature.json").read_text())
    body = (SAMPLES / signed["body_file"]).read_bytes()
    headers = {name: signed[name] for name in ("X-Timestamp", "X-Signature")}
    service = start(WEBHOOK_SIGNATURE="required", CHAT2DESK_WEBHOOK_SECRET=signed["hmac_key_in_example"])
    assert post(service.port, body)[0] == 401
    assert post(service.port, body + b" ", headers)[0] == 401
    assert post(service.port, body, headers) == (200, {"success": True})


# ---- trouble of the store ----------------------------------------------------------------------------

def test_a_store_that_cannot_be_written_is_503_in_time(start):
    service = start(STORE_TIMEOUT_MS="1000")
    body = payload(5, "Hello")
    with sqlite3.connect(service.database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=15 * SLOW)
        connection.request("POST", "/webhook/chat2desk", body)
        answer = connection.getresponse()
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - began < 2 * SLOW
        connection.close()
        other.execute("ROLLBACK")
    assert wait_for(lambda: post(service.port, body)[0] == 200, "the store to be written again")


def test_draining_answers_503_or_refuses(start):
    service = start()
    with socket.create_connection(("127.0.0.1", service.port), timeout=10 * SLOW) as kept:
        kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
        service.process.terminate()
        with pytest.raises(OSError):
            wait_for(lambda: socket.create_connection(("127.0.0.1", service.port), timeout=1).close(), "never")
        body = payload(6, "Hello")
        try:
            kept.sendall(b"POST /webhook/chat2desk HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            answer = kept.recv(4096)
        except ConnectionError:
            answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
    assert service.process.wait(timeout=60 * SLOW) == 0


# ---- clients that do not behave ----------------------------------------------------------------------

HEAD = b"POST /webhook/chat2desk HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("request_bytes, status", [
    (HEAD + b"Content-Length: 262145\r\n\r\n", 413),
    (HEAD + b"Content-Length: 262145\r\n\r\n" + b"x" * 262145, 413),
    (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400),
    (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + b"Content-Length: nonsense\r\n\r\n", 400),
    (b"nonsense\r\n\r\n", None),  # no HTTP: ended without an answer
    (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431),
])
def test_refused_and_still_there(start, request_bytes, status):
    service = start(HTTP_TIMEOUT_MS="1000")
    answer = raw(service, request_bytes)
    assert answer == b"" if status is None else answer.startswith(b"HTTP/1.1 %d " % status)
    assert post(service.port, payload(8, "Hello"))[0] == 200


def test_pipelined(start):
    service = start(HTTP_TIMEOUT_MS="1000")
    bodies = [payload(9, f"text {i}") for i in range(20)]
    answers = raw(service, b"".join(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies))
    assert answers.count(b'{"success":true}') == 20
    assert service.metric("webhook_received_total") == 20


def test_slow_and_half_sent_requests_are_ended(start):
    service = start(HTTP_TIMEOUT_MS="1000")
    began = time.monotonic()
    assert raw(service, HEAD + b"Content-Length: 100\r\n\r\nhalf") == b""
    assert time.monotonic() - began < 4 * SLOW
    with socket.create_connection(("127.0.0.1", service.port)) as trickle:
        began = time.monotonic()
        trickle.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        with pytest.raises(OSError):
            while time.monotonic() - began < 10 * SLOW:
                trickle.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - began < 4 * SLOW


def test_thousands_of_idle_connections(start):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < 4096:
        pytest.skip("this system does not allow 4096 open files")
    service = start()
    idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(3000)]
    try:
        assert post(service.port, payload(10, "Hello"))[0] == 200
        assert service.health()[0] == 200
        if SLOW == 1:  # a sanitizer's memory is no measure
            assert resident_kb(service) < RESIDENT_KB_MAX
    finally:
        for connection in idle:
            connection.close()


# ---- pages -------------------------------------------------------------------------------------------

def test_health_and_pages(start):
    service = start()
    status, health = service.health()
    assert (status, health["status"], health["durability"], health["writable"]) == (200, "healthy", "fsync", True)
    assert set(health["checks"]["queues"]) == {"message", "outbox"}
    assert json.loads(service.get("/")[1])["status"] == "running"
    assert service.get("/metrics")[0] == 404
    assert service.get("/health", admin=True)[0] == 200
    assert "# TYPE chat2order_webhook_ack_seconds histogram" in service.get("/metrics", admin=True)[1]
