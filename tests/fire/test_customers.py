"""What hundreds of customers may rely on: order of arrival, one effect, no order without a yes to what was shown."""

from harness import Customer, deliver, in_parallel, is_summary, payload, post, say, wait_for

CUSTOMERS = 500


def speak_in_order(service, customer, texts):
    for text in texts:
        say(service, customer.id, text)


def wait_for_summaries(api, customers):
    def all_asked():
        told = api.by_client()
        return all(is_summary(told.get(str(c.id), [""])[-1], c) for c in customers)
    wait_for(all_asked, f"{len(customers)} summaries", 90)


def wait_for_orders(service, customers, seconds=90):
    wait_for(lambda: len(service.orders()) >= len(customers), f"{len(customers)} orders", seconds)
    assert sorted(service.orders()) == sorted(c.order for c in customers)


def test_five_messages_at_once_then_yes(shop, api):
    service = shop(WORKER_CONCURRENCY=50).start()
    customers = [Customer(n) for n in range(CUSTOMERS)]
    in_parallel(lambda c: speak_in_order(service, c, c.burst), customers)
    wait_for_summaries(api, customers)
    assert service.orders() == []
    in_parallel(lambda c: say(service, c.id, "yes"), customers)
    wait_for_orders(service, customers)
    service.stop()


def test_six_messages_at_once_place_nothing_until_a_yes_to_the_summary(shop, api):
    service = shop(WORKER_CONCURRENCY=50).start()
    customers = [Customer(n) for n in range(CUSTOMERS)]
    api.mode = 500  # nothing is shown to anybody until all six have arrived
    in_parallel(lambda c: speak_in_order(service, c, c.burst + ["yes"]), customers)
    api.mode = "ok"
    wait_for_summaries(api, customers)
    assert service.orders() == []
    in_parallel(lambda c: say(service, c.id, "yes"), customers)
    wait_for_orders(service, customers)
    service.stop()


def test_fifty_copies_have_one_effect(shop, api):
    service = shop().start()
    customer = Customer(1)
    body = payload(customer.id, "Hello", message_id=77)
    answers = in_parallel(lambda _: post(service.port, body), range(50), threads=50)
    assert all(status == 200 for status, _ in answers)
    assert sum(1 for _, answer in answers if not answer.get("duplicate")) == 1
    wait_for(lambda: api.texts(customer.id), "the greeting")
    assert service.query("SELECT count(*) FROM message_logs") == [(1,)]
    service.stop()
    assert len(api.texts(customer.id)) == 1


def test_yes_before_the_summary_was_shown_places_nothing(shop, api):
    service = shop().start()
    customer = Customer(2)
    speak_in_order(service, customer, customer.burst[:4])
    wait_for(lambda: "How many" in api.last(customer.id), "the question for the quantity")
    api.down()
    say(service, customer.id, str(customer.quantity))
    wait_for(lambda: service.query("SELECT count(*) FROM outbox") == [(1,)], "the undelivered summary")
    say(service, customer.id, "yes")
    api.up()
    wait_for(lambda: is_summary(api.last(customer.id), customer), "the summary", 60)
    wait_for(lambda: service.query("SELECT count(*) FROM messages") == [(0,)], "the yes to be worked on")
    wait_for(lambda: service.query("SELECT count(*) FROM outbox") == [(0,)], "all replies")
    assert service.orders() == []
    assert is_summary(api.last(customer.id), customer)
    say(service, customer.id, "yes")
    wait_for_orders(service, [customer])
    service.stop()


def test_a_yes_delivered_twice_orders_once(shop, api):
    service = shop().start()
    customer = Customer(3)
    speak_in_order(service, customer, customer.burst)
    wait_for_summaries(api, [customer])
    body = payload(customer.id, "yes")
    in_parallel(lambda _: deliver(service, body), range(10), threads=10)
    wait_for_orders(service, [customer])
    say(service, customer.id, "yes")
    wait_for(lambda: service.query("SELECT count(*) FROM messages") == [(0,)], "the second yes")
    service.stop()
    assert len(service.orders()) == 1
