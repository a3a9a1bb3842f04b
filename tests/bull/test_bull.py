"""Bull 4 and bull-board as clients of our queues: they see what we did, and what they do leaves no lane stuck."""

import itertools
import urllib.request

import json
import pytest

from harness import Customer, is_summary, payload, post, say, wait_for

NUMBERS = itertools.count(900_000)


def produce(bull, client, text, **options):
    """The job that the predecessor's producer adds."""
    number = next(NUMBERS)
    return bull("add", queue="messages", options=options, data={
        "clientId": client, "messageText": text, "messageId": number, "timestamp": 1795390419587 + number})


def order_by_webhooks(service, api, customer):
    """Says all the customer has left to say; he ends with an order."""
    for text in customer.burst:
        say(service, customer.id, text)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    say(service, customer.id, "yes")
    wait_for(lambda: customer.order in service.orders(), "the order")


def is_empty(bull):
    return not any(n for name in ("messages", "outbox") for n in bull("counts", queue=name).values())


def posted(api):
    """The replies that Chat2Desk has accepted."""
    with api.lock:
        return [reply for _, _, reply, _ in api.accepted]


def speaking(service, api, customer):
    """Brings the customer's lane to where his reply can't leave; api.mode = "ok" lets it go."""
    api.mode, api.only_for = 500, str(customer.id)
    say(service, customer.id, "Hello")
    wait_for(lambda: api.calls > 0, "the API to be tried")


def test_a_producers_job_becomes_a_reply(shop, api, bull):
    service = shop().start()
    produce(bull, 501, "Hello")
    wait_for(lambda: api.texts("501"), "the reply")
    wait_for(lambda: is_empty(bull), "empty queues")
    service.stop()


def test_jobs_of_a_producer_keep_their_order(shop, api, bull):
    service = shop().start()
    customer = Customer(1)
    for text in customer.burst:
        produce(bull, customer.id, text)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary")
    say(service, customer.id, "yes")
    wait_for(lambda: customer.order in service.orders(), "the order")
    service.stop()


def test_a_message_id_that_was_seen_is_done_once(shop, api, bull):
    service = shop().start()
    data = {"clientId": "7", "messageText": "Hello", "messageId": "77", "timestamp": 1795390419587}
    for _ in range(5):
        bull("add", queue="messages", data=data)
    wait_for(lambda: not any(bull("counts", queue="messages").values()), "all jobs to be done")
    wait_for(lambda: api.texts("7"), "the reply")
    service.stop()
    assert len(api.texts("7")) == 1


def test_counts_and_states_at_each_stage(shop, api, bull):
    service = shop(KEEP_COMPLETED=100).start()
    bull("pause", queue="messages")
    job = produce(bull, 601, "Hello")
    assert bull("counts", queue="messages")["paused"] == 1
    assert bull("state", queue="messages", job=job["id"]) == "paused"
    api.mode = "hang"
    bull("resume", queue="messages")
    wait_for(lambda: bull("counts", queue="outbox")["active"] == 1, "the reply to be sent")
    assert bull("state", queue="messages", job=job["id"]) == "completed"
    behind = produce(bull, 601, "12 Main Street")
    wait_for(lambda: bull("state", queue="messages", job=behind["id"]) == "delayed", "the message behind the reply")
    api.mode = "ok"
    wait_for(lambda: len(api.texts("601")) >= 2, "both replies", 40)
    wait_for(lambda: bull("state", queue="messages", job=behind["id"]) == "completed", "the second message to be done")
    assert bull("counts", queue="messages")["completed"] == 2
    service.stop()


def test_finished_and_events(shop, bull, redis):
    service = shop(KEEP_COMPLETED=100).start()
    for name in ("messages", "outbox"):
        bull("listen", queue=name)
    wait_for(lambda: int(redis.call("PUBSUB", "NUMPAT")) >= 6, "Bull's subscriptions")
    job = produce(bull, 611, "Hello")
    assert bull("finished", queue="messages", job=job["id"]) is not None
    wait_for(lambda: bull.seen("completed", job["id"]), "the event completed")
    wait_for(lambda: bull.seen("active", job["id"]), "the event active")
    wait_for(lambda: any(e["event"] == "completed" and e["queue"] == "outbox" for e in bull.events), "the reply's event")
    service.stop()


def test_workers_are_seen(shop, bull):
    service = shop().start()
    wait_for(lambda: bull("workers", queue="messages") == 1, "the worker to be seen")
    assert bull("workers", queue="outbox") == 1
    service.stop()


def test_a_dead_reply_is_retried(shop, api, bull):
    service = shop().start()
    api.mode = 400
    say(service, 621, "Hello")
    wait_for(lambda: bull("counts", queue="outbox")["failed"] == 1, "the dead letter")
    (dead,) = bull("list", queue="outbox", state="failed")
    assert "400" in dead["failedReason"]
    api.mode = "ok"
    bull("retry", queue="outbox", job=dead["id"])
    wait_for(lambda: len(api.texts("621")) == 1, "the reply")
    wait_for(lambda: bull("counts", queue="outbox")["failed"] == 0, "no dead letter to be left")
    service.stop()


def test_the_board_lists_and_retries(shop, api, bull):
    service = shop().start()
    port = bull("board")
    api.mode = 400
    say(service, 631, "Hello")
    wait_for(lambda: bull("counts", queue="outbox")["failed"] == 1, "the dead letter")

    def board(path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/queues{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    shown = {q["name"]: q for q in json.loads(board("?activeQueue=outbox&status=failed&page=1"))["queues"]}
    assert set(shown) == {"messages", "outbox"}
    assert shown["outbox"]["counts"]["failed"] == 1
    (job,) = shown["outbox"]["jobs"]
    api.mode = "ok"
    board(f"/outbox/{job['id']}/retry", "PUT")
    wait_for(lambda: len(api.texts("631")) == 1, "the reply")
    service.stop()


def test_pause_holds_and_resume_wakes(shop, api, bull):
    service = shop().start()
    bull("pause", queue="messages")
    say(service, 641, "Hello")
    wait_for(lambda: bull("counts", queue="messages")["paused"] == 1, "the message to wait")
    assert api.texts("641") == []
    bull("resume", queue="messages")
    wait_for(lambda: api.texts("641"), "the reply", 5)
    service.stop()


@pytest.mark.parametrize("act", ["promote", "remove", "clean", "empty"])
def test_what_is_done_to_a_parked_message_leaves_no_lane_stuck(shop, api, bull, act):
    service = shop().start()
    customer, other = Customer(3), Customer(4)
    speaking(service, api, customer)
    say(service, customer.id, customer.address, message_id=424242)
    wait_for(lambda: bull("counts", queue="messages")["delayed"] == 1, "the message behind the reply")
    if act == "promote":
        bull("promote", queue="messages", job="m-424242")
    elif act == "remove":
        bull("remove", queue="messages", job="m-424242")
    elif act == "clean":
        bull("clean", queue="messages", state="delayed")
    else:
        bull("empty", queue="messages")
    api.mode = "ok"
    wait_for(lambda: api.texts(str(customer.id)), "the first reply", 40)
    order_by_webhooks(service, api, other)
    rest = customer.burst[1:] if act != "promote" else customer.burst[3:]
    for text in rest:
        say(service, customer.id, text)
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary", 40)
    say(service, customer.id, "yes")
    wait_for(lambda: customer.order in service.orders(), "the order")
    wait_for(lambda: is_empty(bull), "empty queues")
    service.stop()


@pytest.mark.parametrize("act", ["remove", "clean", "empty", "promote"])
def test_what_is_done_to_a_reply_that_waits_leaves_no_lane_stuck(shop, api, bull, act):
    service = shop().start()
    customer = Customer(5)
    speaking(service, api, customer)
    wait_for(lambda: bull("counts", queue="outbox")["delayed"] == 1, "the reply to wait for its next attempt")
    (reply,) = bull("list", queue="outbox", state="delayed")
    assert reply["data"]["clientId"] == str(customer.id)
    if act == "remove":
        bull("remove", queue="outbox", job=reply["id"])
    elif act == "clean":
        bull("clean", queue="outbox", state="delayed")
    elif act == "empty":
        bull("empty", queue="outbox")
    api.mode = "ok"
    if act == "promote":
        bull("promote", queue="outbox", job=reply["id"])
        wait_for(lambda: api.texts(str(customer.id)), "the reply", 5)
    order_by_webhooks(service, api, customer)
    service.stop()
    assert (reply["id"] in posted(api)) == (act == "promote")


@pytest.mark.parametrize("act", ["remove", "empty", "fail"])
def test_a_silent_customers_dialog_ends_without_his_reply(shop, api, bull, redis, postgres, act):
    service = shop(DIALOG_TTL_S=3).start()
    customer = Customer(7)
    speaking(service, api, customer)
    wait_for(lambda: bull("counts", queue="outbox")["delayed"] == 1, "the reply to wait for its next attempt")
    (reply,) = bull("list", queue="outbox", state="delayed")
    if act == "remove":
        bull("remove", queue="outbox", job=reply["id"])
    elif act == "empty":
        bull("empty", queue="outbox")
    else:
        redis.call("ZREM", "bull:outbox:delayed", reply["id"])  # a foreign script's hand
        redis.call("ZADD", "bull:outbox:failed", 1, reply["id"])
    api.mode = "ok"
    wait_for(lambda: postgres.query("SELECT completed FROM dialog_outcomes") == [("f",)], "the dialog to be closed")
    wait_for(lambda: redis.call("EXISTS", f"c2o:lane:{customer.id}") == "0", "the lane to go")
    service.stop()
    assert reply["id"] not in posted(api)


# ---- what is done to a turn's message while the turn is under way ----

@pytest.mark.parametrize("act", ["clean", "remove", "fail"])
def test_what_is_done_to_a_message_in_turn_changes_nothing(shop, api, bull, postgres, act):
    service = shop().start()
    customer = Customer(8)
    lock = postgres.lock("c2o_clients")
    say(service, customer.id, "Hello", message_id=434343)
    wait_for(lambda: bull("state", queue="messages", job="m-434343") == "active", "the turn")
    if act == "clean":
        assert bull("clean", queue="messages", state="active") == 1
    elif act == "remove":
        bull("remove", queue="messages", job="m-434343")
    else:
        bull("fail", queue="messages", job="m-434343", reason="a hand that does not know")
        assert bull("counts", queue="messages")["failed"] == 1
    lock.let_go()
    wait_for(lambda: len(api.texts(customer.id)) == 1, "the reply")
    wait_for(lambda: is_empty(bull), "empty queues")
    assert postgres.query("SELECT message_id, success FROM message_logs") == [("434343", "t")]
    order_by_webhooks(service, api, customer)
    service.stop()


# ---- dead messages ----

def message(customer, number, text):
    return {"clientId": str(customer.id), "messageText": text, "messageId": str(number), "timestamp": 0}


def bury(service, bull, customer, number):
    """A message of his that becomes a dead letter, since its words can't be read."""
    bull("pause", queue="messages")
    say(service, customer.id, "words", message_id=number)
    wait_for(lambda: bull("counts", queue="messages")["paused"] == 1, "the message to wait")
    bull("update", queue="messages", job=f"m-{number}", data="no message at all")
    bull("resume", queue="messages")
    wait_for(lambda: bull("counts", queue="messages")["failed"] == 1, "the dead letter")


def test_a_dead_message_is_retried_within_its_dialog(shop, api, bull, postgres):
    """It counts as late: it fills the field that is open."""
    service = shop().start()
    customer = Customer(9)
    say(service, customer.id, "Hello")
    wait_for(lambda: "deliver" in api.last(customer.id), "the question for the address")
    bury(service, bull, customer, 454545)
    success = "SELECT success FROM message_logs WHERE message_id='454545'"
    wait_for(lambda: postgres.query(success) == [("f",)], "the log to tell of it")
    bull("update", queue="messages", job="m-454545", data=message(customer, 454545, customer.address))
    bull("retry", queue="messages", job="m-454545")
    wait_for(lambda: "phone" in api.last(customer.id), "the question for the phone")
    wait_for(lambda: is_empty(bull), "empty queues")
    assert postgres.query(success) == [("t",)]
    order_by_webhooks(service, api, Customer(9))
    service.stop()


def test_a_dead_message_is_not_retried_in_another_dialog(shop, api, bull, redis):
    service = shop().start()
    customer = Customer(10)
    say(service, customer.id, "Hello")
    wait_for(lambda: "deliver" in api.last(customer.id), "the question for the address")
    bury(service, bull, customer, 464646)
    died_in = redis.call("HGET", "bull:messages:m-464646", "dl")
    order_by_webhooks(service, api, customer)
    say(service, customer.id, "new order")
    wait_for(lambda: redis.call("HGET", f"c2o:lane:{customer.id}", "di") not in ("", died_in), "another dialog")
    bull("update", queue="messages", job="m-464646", data=message(customer, 464646, customer.address))
    bull("retry", queue="messages", job="m-464646")
    wait_for(lambda: "another dialog" in (bull("job", queue="messages", job="m-464646")["failedReason"] or ""), "it to be dead again")
    assert bull("state", queue="messages", job="m-464646") == "failed"
    done = service.command("queue", "dead")
    assert done.returncode == 0 and "another dialog" in done.stdout, done.stdout + done.stderr
    service.stop()


def test_a_waiting_job_is_removed_and_another_edited(shop, api, bull):
    service = shop().start()
    bull("pause", queue="messages")
    gone, edited = produce(bull, 651, "Hello"), produce(bull, 652, "Hello")
    bull("remove", queue="messages", job=gone["id"])
    bull("update", queue="messages", job=edited["id"], data="no message at all")
    bull("resume", queue="messages")
    wait_for(lambda: bull("counts", queue="messages")["failed"] == 1, "the broken job to be a dead letter")
    (dead,) = bull("list", queue="messages", state="failed")
    assert dead["id"] == edited["id"] and "not a message" in dead["failedReason"]
    order_by_webhooks(service, api, Customer(6))
    assert api.texts("651") == []
    service.stop()


def test_a_delayed_job_comes_when_it_is_due(shop, api, bull):
    service = shop().start()
    job = produce(bull, 661, "Hello", delay=1500)
    assert bull("state", queue="messages", job=job["id"]) == "delayed"
    wait_for(lambda: api.texts("661"), "the reply", 10)
    service.stop()


def test_a_bull_worker_on_our_queues_is_refused(shop, bull):
    bull("work", queue="messages")
    service = shop()
    process = service.spawn()
    out, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "Bull worker" in out.decode() + service.log()


def test_a_bull_worker_that_comes_later_is_told(shop, bull):
    service = shop().start()
    bull("work", queue="messages")
    wait_for(lambda: not service.health()[1]["checks"].get("bull_worker", True), "health to tell of it", 30)
    service.stop()


def test_health_knows_redis_and_postgres(shop):
    service = shop().start()
    wait_for(lambda: "redis" in service.health()[1]["checks"], "the checks")
    status, health = service.health()
    assert status == 200 and health["checks"]["redis"] and health["checks"]["postgres"]
    assert health["durability"] == "everysec"
    assert post(service.port, payload(1, "Hello"))[0] == 200
    service.stop()
