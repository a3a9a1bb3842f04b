"""The simulated Chat2Desk: its API, its webhooks with their retries, faults, ids that never repeat."""

import http.client
import json
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from echo_bot import EchoBot
from simulator_client import BINARY, Simulator

SAMPLES = pathlib.Path(__file__).parent.parent / "samples"


@pytest.fixture
def start(tmp_path):
    """Starts simulators that are stopped, and must have ended well, after the test."""
    started = []

    def one(*options, folder=tmp_path / "simulator"):
        started.append(Simulator(BINARY, folder, *options))
        return started[-1]

    yield one
    for simulator in started:
        assert simulator.stop() in (0, -signal.SIGKILL)


@pytest.fixture
def sim(start):
    return start("--no-webhook")


@pytest.fixture
def bot(sim):
    bot = EchoBot(sim.token, f"{sim.url}/v1")
    assert sim.v1("POST", "/webhooks", {"url": bot.url, "name": "bot"}).status == 200
    yield bot
    bot.stop()
    assert bot.bad_signatures == 0


# ---- /v1 ---------------------------------------------------------------------------------------------

def test_token_is_asked_for(sim):
    missing = sim.json("GET", "/v1/webhooks")
    wrong = sim.json("GET", "/v1/webhooks", headers={"Authorization": "nonsense"})
    bearer = sim.json("GET", "/v1/webhooks", headers={"Authorization": f"Bearer {sim.token}"})
    assert (missing.status, wrong.status, bearer.status) == (401, 403, 403)
    assert missing.json["status"] == wrong.json["status"] == "error"
    assert "You have to specify your token" in missing.json["message"]
    assert wrong.json["message"] == "You need to auth"


@pytest.mark.parametrize("path", ["/v1/api_info", "/v1/", "/v1/webhooks/x", "/v1/clients/5/6"])
def test_unknown_path(sim, path):
    answer = sim.json("GET", path, headers={"Authorization": sim.token})
    assert (answer.status, answer.json["message"]) == (404, "Page not found")


def test_a_message_is_accepted(sim):
    customer = sim.customer()
    answer = sim.v1("POST", "/messages", {"client_id": customer["id"], "text": "Hello", "external_id": "r-1"})
    data = answer.json["data"]
    assert (answer.status, answer.json["status"]) == (200, "success")
    assert set(data) == {"message_id", "channel_id", "operator_id", "transport", "type", "client_id",
                         "dialog_id", "request_id"}
    assert (data["client_id"], data["type"], data["transport"]) == (customer["id"], "to_client", "telegram")
    event = sim.wait_event(lambda e: e["kind"] == "outbox")
    assert (event["text"], event["external_id"], event["message_id"]) == ("Hello", "r-1", data["message_id"])


def test_form_and_query_are_taken_too(sim):
    customer = sim.customer()
    token = {"Authorization": sim.token}
    form = sim.request("POST", "/v1/messages", f"client_id={customer['id']}&text=a+b%2Bc%C3%A9",
                       {**token, "Content-Type": "application/x-www-form-urlencoded"})
    query = sim.request("POST", f"/v1/messages?client_id={customer['id']}&text=by%20query", "", token)
    assert (form.status, query.status) == (200, 200)
    texts = [m["text"] for m in sim.v1("GET", f"/messages?client_id={customer['id']}").json["data"]]
    assert texts == ["by query", "a b+cé"]


@pytest.mark.parametrize("change, field", [
    ({"client_id": 1}, "client"),
    ({"client_id": None}, "client_id"),
    ({"client_id": "12x"}, "client"),
    ({"text": ""}, "text"),
    ({"text": None}, "text"),
    ({"type": "shout"}, "type"),
    ({"transport": "pigeon"}, "transport"),
    ({"channel_id": "x"}, "channel_id"),
])
def test_validation(sim, change, field):
    body = {"client_id": sim.customer()["id"], "text": "Hello", **change}
    answer = sim.v1("POST", "/messages", body)
    assert (answer.status, answer.json["status"]) == (400, "error")
    assert list(answer.json["errors"]) == [field]
    assert all(isinstance(text, str) for text in answer.json["errors"][field])
    assert not [e for e in sim.events()["events"] if e["kind"] == "outbox"]


def test_a_body_that_is_no_json(sim):
    answer = sim.request("POST", "/v1/messages", "{", {"Authorization": sim.token})
    assert (answer.status, answer.json["status"]) == (400, "error")


def test_clients_and_company(sim):
    customer = sim.customer("Bob", transport="whatsapp", phone="+996555123456")
    sim.customer("Alice")
    shown = sim.v1("GET", f"/clients/{customer['id']}").json["data"]
    assert (shown["id"], shown["name"], shown["phone"]) == (customer["id"], "Bob", "+996555123456")
    found = sim.v1("GET", "/clients?phone=%2B996555123456").json
    assert [c["name"] for c in found["data"]] == ["Bob"]
    assert sim.v1("GET", "/clients?search=Bob").json["meta"]["total"] == 2, "other filters are ignored"
    assert sim.v1("GET", "/clients/17").status == 404
    assert sim.v1("GET", "/companies/api_info").json["data"]["requests_this_month"] >= 4


def test_webhooks_are_managed(sim):
    made = sim.v1("POST", "/webhooks", {"url": "http://127.0.0.1:9/a", "name": "a", "events": ["inbox"]})
    hook = made.json["data"]
    assert (hook["url"], hook["events"], hook["status"], hook["errors"]) == (
        "http://127.0.0.1:9/a", ["inbox"], "enabled", [])
    again = sim.v1("POST", "/webhooks", {"url": hook["url"]})
    assert (again.status, again.json["errors"]["url"]) == (400, ["This url is already used"])
    assert sim.v1("POST", "/webhooks", {"name": "no url"}).status == 400
    changed = sim.v1("PUT", f"/webhooks/{hook['id']}", {"name": "b", "status": "disabled"}).json["data"]
    assert (changed["name"], changed["url"], changed["status"]) == ("b", hook["url"], "disabled")
    assert sim.v1("GET", f"/webhooks/{hook['id']}").json["data"] == changed
    for n in range(4):
        assert sim.v1("POST", "/webhooks", {"url": f"http://127.0.0.1:9/{n}"}).status == 200
    assert sim.v1("POST", "/webhooks", {"url": "http://127.0.0.1:9/sixth"}).status == 400
    assert sim.v1("DELETE", f"/webhooks/{hook['id']}").status == 200
    assert sim.v1("GET", f"/webhooks/{hook['id']}").status == 404
    assert len(sim.v1("GET", "/webhooks").json["data"]) == 4


# ---- webhooks ------------------------------------------------------------------------------------------

def test_payload_is_the_vendors(sim, bot):
    """Same fields, same order, same JSON types as the vendor's own example."""
    customer = sim.customer("Widget", transport="widget")
    sim.write(customer, "first")
    sim.write(customer, "test7")
    bot.wait(lambda b: len(b.inbox) == 2)
    ours = bot.inbox[1]
    theirs = json.loads((SAMPLES / "01-inbox-text-widget.raw.json").read_text())
    assert list(ours) == list(theirs)
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in theirs.items()}
    assert list(ours["client"]) == list(theirs["client"])
    first = bot.inbox[0]
    assert (first["dialog_id"], first["is_new_client"], first["is_new_request"]) == (None, True, True)
    assert (ours["text"], ours["is_new_client"], ours["client"]["phone"][:7]) == ("test7", False, "[chat] ")


def test_timestamp_is_the_events_second(sim, bot):
    sim.write(sim.customer(), "Hi", event_time="2025-04-03T11:50:06.984494Z")
    bot.wait(lambda b: b.inbox)
    kind, _, timestamp, body = bot.requests[[r[0] for r in bot.requests].index("inbox")]
    assert (timestamp, json.loads(body)["event_time"]) == ("1743681006", "2025-04-03T11:50:06.984494Z")
    assert sim.json("POST", "/sim/messages", {"customer": bot.inbox[0]["client_id"], "text": "x",
                                              "event_time": "yesterday"}).status == 400


@pytest.mark.parametrize("sent, field, value", [
    ({"photo": "https://example.com/a.jpg"}, "photo", "https://example.com/a.jpg"),
    ({"voice": "https://example.com/a.ogg"}, "audio", "https://example.com/a.ogg"),
    ({"file": "https://example.com/a.pdf"}, "pdf", "https://example.com/a.pdf"),
    ({"location": "42.87,74.57"}, "coordinates", "42.87,74.57"),
    ({"video": "https://example.com/a.mp4"}, "video", "https://example.com/a.mp4"),
])
def test_other_than_text(sim, bot, sent, field, value):
    sim.write(sim.customer(), **sent)
    bot.wait(lambda b: b.inbox)
    assert (bot.inbox[0][field], bot.inbox[0]["text"]) == (value, None)


def test_the_bot_is_heard(sim, bot):
    """Message, webhook, reply through the API, and the outbox webhook of that reply."""
    customer = sim.customer()
    sim.write(customer, "Hi")
    reply = sim.wait_event(lambda e: e["kind"] == "outbox")
    assert (reply["text"], reply["client_id"]) == ("You said: Hi", customer["id"])
    bot.wait(lambda b: [e for e in b.events if e["hook_type"] == "outbox"])
    assert [e["hook_type"] for e in bot.events if e["hook_type"] != "outbox"] == ["new_client", "inbox", "new_request"]
    assert sim.wait_event(lambda e: e["kind"] == "delivery" and e["state"] == "accepted")["attempt"] == 1


def test_order_of_first_attempts(sim, bot):
    """Each client's messages come in his order, though many connections carry them."""
    people = [sim.customer(f"P{n}") for n in range(20)]
    for n in range(25):
        for person in people:
            sim.write(person, str(n))
    bot.wait(lambda b: len(b.inbox) == 500)
    for person in people:
        assert [e["text"] for e in bot.inbox if e["client_id"] == person["id"]] == [str(n) for n in range(25)]


def test_events_are_filtered(sim):
    bot = EchoBot(sim.token, f"{sim.url}/v1")
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    sim.write(sim.customer(), "Hi")
    sim.wait_event(lambda e: e["kind"] == "outbox")
    bot.wait(lambda b: b.inbox)
    assert {e["hook_type"] for e in bot.events} == {"inbox"}
    bot.stop()


def test_retries_after_10_s_5_min_and_2_h(start):
    """At 3600-fold speed: after 2.8 ms, 83 ms and 2 s; body and timestamp repeat, event_time is untouched."""
    sim = start("--no-webhook", "--clock-factor", "3600")
    bot = EchoBot(sim.token, status=503)
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    began = time.time()
    message_id = sim.write(sim.customer(), "Hi")
    gone = sim.wait_event(lambda e: e["kind"] == "delivery" and e["state"] == "gone")
    took = time.time() - began
    retries = [e["retry_in_ms"] for e in sim.events()["events"] if e.get("state") == "retry"]
    assert retries == [2, 83, 2000]
    assert (gone["message_id"], gone["attempt"], gone["error"]) == (message_id, 4, "HTTP 503")
    assert 2.0 < took < 15
    assert len(bot.requests) == 4 and len(set(bot.requests)) == 1 and bot.bad_signatures == 0
    event_time = json.loads(bot.requests[0][3])["event_time"]
    assert abs(time.mktime(time.strptime(event_time[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - began) < 2
    bot.stop()


def test_a_retry_succeeds(start):
    sim = start("--no-webhook", "--clock-factor", "50")
    bot = EchoBot(sim.token, f"{sim.url}/v1", status=500)
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    sim.write(sim.customer(), "Hi")
    sim.wait_event(lambda e: e.get("state") == "retry")
    bot.status = 204
    accepted = sim.wait_event(lambda e: e.get("state") == "accepted")
    assert accepted["attempt"] == 2
    assert sim.v1("GET", "/webhooks").json["data"][0]["errors"] == []
    bot.stop()


def test_switched_off_after_5_h_and_on_again(start):
    sim = start("--no-webhook", "--clock-factor", "9000")
    bot = EchoBot(sim.token, f"{sim.url}/v1", status=404)
    hook = sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]}).json["data"]
    customer = sim.customer()
    sim.write(customer, "lost")
    sim.wait_event(lambda e: e["kind"] == "webhook" and e["webhook"]["status"] == "disabled")
    shown = sim.v1("GET", f"/webhooks/{hook['id']}").json["data"]
    assert (shown["status"], shown["errors"]) == ("disabled", ["HTTP 404"])
    bot.status = 200
    sim.write(customer, "unheard")
    assert sim.wait_event(lambda e: e.get("error") == "no webhook is registered for it")["state"] == "gone"
    sim.v1("PUT", f"/webhooks/{hook['id']}", {"status": "enabled"})
    sim.write(customer, "heard")
    bot.wait(lambda b: b.inbox)
    assert [e["text"] for e in bot.inbox] == ["heard"]
    bot.stop()


def test_a_hanging_service_delays_only_its_client(start):
    """A webhook that is not answered holds up that client's next one, and nobody else's."""
    sim = start("--no-webhook")
    bot = EchoBot(sim.token)
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    slow, quick = sim.customer("Slow"), sim.customer("Quick")
    bot.delay = 2
    sim.write(slow, "1")
    time_of_first = time.monotonic()
    sim.wait_event(lambda e: e.get("text") == "1")
    bot.delay = 0
    sim.write(quick, "2")
    bot.wait(lambda b: [e for e in b.inbox if e["text"] == "2"])
    assert time.monotonic() - time_of_first < 2
    bot.stop()


def test_a_service_that_does_not_answer_has_failed(start):
    sim = start("--no-webhook", "--delivery-timeout", "300")
    bot = EchoBot(sim.token, delay=5)
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    sim.write(sim.customer(), "Hi")
    assert sim.wait_event(lambda e: e.get("state") == "retry")["error"] == "timeout"
    bot.stop()


def test_a_set_token_is_not_shown(start):
    sim = start("--chat2desk-api-token", "s3cret")
    assert sim.token == "(the one that is set)"
    assert sim.json("GET", "/v1/webhooks", headers={"Authorization": "s3cret"}).status == 200


# ---- faults ------------------------------------------------------------------------------------------------

def texts_shown(sim):
    return [e["text"] for e in sim.events()["events"] if e["kind"] == "outbox"]


def send(sim, customer, text):
    return sim.v1("POST", "/messages", {"client_id": customer["id"], "text": text})


def test_status_instead_of_the_outcome(sim):
    customer = sim.customer()
    sim.control("POST", "/faults", {"status": 429, "retry_after_s": 7, "calls": 2})
    answers = [send(sim, customer, str(n)) for n in range(3)]
    assert [a.status for a in answers] == [429, 429, 200]
    assert answers[0].json["message"] == "Number of API requests exceeded"
    assert answers[0].headers["retry-after"] == "7"
    assert texts_shown(sim) == ["2"]


def test_status_though_accepted(sim):
    customer = sim.customer()
    sim.control("POST", "/faults", {"status": 500, "accept": True, "message": "Oops"})
    answer = send(sim, customer, "there")
    assert (answer.status, answer.json["message"], texts_shown(sim)) == (500, "Oops", ["there"])


def test_accepted_but_cut(sim):
    customer = sim.customer()
    sim.control("POST", "/faults", {"cut": True})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        send(sim, customer, "there")
    assert texts_shown(sim) == ["there"]
    assert sim.control("DELETE", "/faults")["cut"] is False
    assert send(sim, customer, "again").status == 200


def test_hang_ends_with_the_simulator(start):
    sim = start("--no-webhook")
    customer = sim.customer()
    sim.control("POST", "/faults", {"hang": True})
    with pytest.raises(TimeoutError):
        sim.request("POST", "/v1/messages", json.dumps({"client_id": customer["id"], "text": "x"}),
                    {"Authorization": sim.token, "Content-Type": "application/json"}, timeout=1)
    assert texts_shown(sim) == []
    assert sim.stop() == 0


def test_latency(sim):
    customer = sim.customer()
    sim.control("POST", "/faults", {"latency_ms": 400})
    began = time.monotonic()
    assert send(sim, customer, "late").status == 200
    assert 0.4 <= time.monotonic() - began < 5


def test_faults_of_one_client_and_by_chance(sim):
    hit, spared = sim.customer("Hit"), sim.customer("Spared")
    sim.control("POST", "/faults", {"status": 500, "client_id": hit["id"]})
    assert (send(sim, hit, "a").status, send(sim, spared, "b").status) == (500, 200)
    sim.control("POST", "/faults", {"status": 500, "probability": 0.5})
    statuses = {send(sim, hit, "c").status for _ in range(60)}
    assert statuses == {200, 500}


@pytest.mark.parametrize("faults", [{"latency": 5}, {"latency_ms": -1}, {"status": 200}, {"cut": 1},
                                    {"probability": 2}, {"duplicates": 0}, []])
def test_faults_are_checked(sim, faults):
    sim.control("POST", "/faults", {"latency_ms": 1})
    assert sim.json("POST", "/sim/faults", faults).status == 400
    assert sim.control("GET", "/faults")["latency_ms"] == 1


def test_webhooks_posted_several_times(sim, bot):
    bot.api_url = None
    sim.control("POST", "/faults", {"duplicates": 50})
    message_id = sim.write(sim.customer(), "Hi")
    bot.wait(lambda b: len(b.inbox) == 50)
    assert {e["message_id"] for e in bot.inbox} == {message_id}


def test_webhooks_late_and_shuffled(sim, bot):
    bot.api_url = None
    customer = sim.customer()
    sim.control("POST", "/faults", {"delay_ms": 500})
    began = time.monotonic()
    sim.write(customer, "late")
    bot.wait(lambda b: b.inbox)
    assert time.monotonic() - began >= 0.5
    sim.control("POST", "/faults", {"shuffle_ms": 300})
    wanted = [str(n) for n in range(40)]
    for text in wanted:
        sim.write(customer, text)
    bot.wait(lambda b: len(b.inbox) == 41)
    got = [e["text"] for e in bot.inbox[1:]]
    assert got != wanted and sorted(got) == sorted(wanted)


# ---- control API -----------------------------------------------------------------------------------------------

def test_customers_are_made_once(sim):
    one = sim.customer("Bob", transport="whatsapp", phone="+1")
    assert sim.customer("Robert", transport="whatsapp", phone="+1") == one
    assert sim.customer("Bob", transport="viber", phone="+1")["id"] != one["id"]
    assert sim.json("POST", "/sim/customers", {"name": "X", "transport": "pigeon"}).status == 400
    assert sim.json("POST", "/sim/customers", {}).status == 400
    assert sim.json("POST", "/sim/messages", {"customer": 1, "text": "x"}).status == 404


def test_foreign_pages_cannot_write(sim):
    answer = sim.request("POST", "/sim/customers", '{"name":"X"}', {"Content-Type": "text/plain"})
    assert answer.status == 415


def test_events_wait_for_the_next(sim):
    alice, bob = sim.customer("Alice"), sim.customer("Bob")
    last = sim.events()["last"]
    got = []
    waiting = threading.Thread(target=lambda: got.append(sim.events(last, customer=bob["id"], wait_ms=20000)))
    waiting.start()
    sim.write(alice, "not for Bob's ears")
    sim.write(bob, "Hi")
    waiting.join(10)
    # who asks only after the message is told of its delivery too
    assert [e["text"] for e in got[0]["events"] if e["kind"] == "inbox"] == ["Hi"]
    assert sim.events(sim.events()["last"])["events"] == []


def test_recent_events_are_bounded(sim):
    customer = sim.customer()
    for _ in range(120):
        sim.write(customer, "x" * 60000)
    answer = sim.events()
    assert answer["missed"] and len([e for e in answer["events"] if e["kind"] == "inbox"]) < 75
    if b"__asan_init" in pathlib.Path(BINARY).read_bytes() or b"__tsan_init" in pathlib.Path(BINARY).read_bytes():
        return  # a sanitizer's own memory is no measure of ours
    resident = int(subprocess.run(["ps", "-o", "rss=", "-p", str(sim.process.pid)], check=True,
                                  capture_output=True, text=True).stdout)
    assert resident < 64 * 1024


def test_ids_never_repeat(start):
    seen = []
    for how in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        sim = start("--no-webhook")
        customer = sim.customer(f"by {how.name}")
        seen += [customer["id"], sim.write(customer, "Hi")]
        seen.append(send(sim, customer, "Hello").json["data"]["message_id"])
        sim.stop(how)
    assert len(set(seen)) == len(seen) and min(seen) > 2**32


def test_customers_outlive_a_restart(start):
    sim = start("--no-webhook")
    bob = sim.customer("Bob", transport="whatsapp", phone="+996555123456")
    alice = sim.customer("Alice")
    sim.stop(signal.SIGKILL)
    sim = start("--no-webhook")
    assert sim.customer("Bob", transport="whatsapp", phone="+996555123456") == bob
    assert sim.control("GET", "/state")["customers"] == [bob, alice]
    assert send(sim, alice, "still there").status == 200


def test_a_spoilt_ids_file_is_refused(tmp_path):
    (tmp_path / "ids").write_text("no number\n")
    run = subprocess.run([BINARY, "simulate", "--simulator-port", "0", "--folder", str(tmp_path)],
                         capture_output=True, text=True, timeout=20)
    assert run.returncode != 0 and "Remove it" in run.stderr


def test_a_taken_port_is_named(sim, tmp_path):
    run = subprocess.run([BINARY, "simulate", "--simulator-port", str(sim.port), "--folder", str(tmp_path / "b")],
                         capture_output=True, text=True, timeout=20)
    assert run.returncode != 0 and str(sim.port) in run.stderr


def test_throughput(sim):
    """A few thousand messages a second; a thousandth of that would show here."""
    customer = sim.customer()
    connection = http.client.HTTPConnection("127.0.0.1", sim.port)
    began = time.monotonic()
    for n in range(1000):
        connection.request("POST", "/v1/messages", json.dumps({"client_id": customer["id"], "text": str(n)}),
                           {"Authorization": sim.token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
    assert time.monotonic() - began < 10
