"""The simulator's page in Chromium: what a person sees, types and clicks."""

import os

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from echo_bot import EchoBot
from simulator_client import BINARY, Simulator


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
    yield browser
    browser.quit()


@pytest.fixture
def sim(tmp_path):
    simulator = Simulator(BINARY, tmp_path / "simulator", "--no-webhook", "--clock-factor", "20")
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def bot(sim):
    bot = EchoBot(sim.token, f"{sim.url}/v1")
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    yield bot
    bot.stop()


class Page:
    def __init__(self, browser, sim):
        self.browser, self.sim = browser, sim
        self.open()

    def open(self):
        self.browser.get(self.sim.url + "/")
        self.until(lambda: self.columns())

    def until(self, condition, seconds=15):
        return WebDriverWait(self.browser, seconds, 0.05).until(lambda _: condition())

    def all(self, css, inside=None):
        return (inside or self.browser).find_elements(By.CSS_SELECTOR, css)

    def columns(self):
        return {c.find_element(By.TAG_NAME, "h2").text: c for c in self.all("section.column")}

    def click(self, css, inside=None):
        (inside or self.browser).find_element(By.CSS_SELECTOR, css).click()

    def type(self, name, *keys):
        self.columns()[name].find_element(By.TAG_NAME, "textarea").send_keys(*keys)

    def bubbles(self, name, who):
        return [b.text for b in self.all(f".bubble.{who} p", self.columns()[name])]

    def ticks(self, name):
        return [t.get_attribute("data-state") for t in self.all(".tick", self.columns()[name])]

    def errors(self):
        return [entry for entry in self.browser.get_log("browser") if "status of 5" not in entry["message"]]


@pytest.fixture
def page(browser, sim):
    page = Page(browser, sim)
    browser.execute_script("localStorage.clear()")
    browser.get_log("browser")
    page.open()
    yield page
    assert page.errors() == []


def test_two_customers_chat_side_by_side(page, bot):
    assert sorted(page.columns()) == ["Alice", "Bob"]
    page.type("Alice", "Hello", Keys.ENTER)
    page.type("Bob", "line one", Keys.SHIFT, Keys.ENTER, Keys.NULL, "line two", Keys.ENTER)
    page.until(lambda: page.bubbles("Alice", "bot") == ["You said: Hello"])
    page.until(lambda: page.bubbles("Bob", "bot") == ["You said: line one\nline two"])
    assert page.bubbles("Alice", "mine") == ["Hello"]
    page.until(lambda: page.ticks("Alice") == ["accepted"])
    assert {e["transport"] for e in bot.inbox} == {"telegram", "whatsapp"}


def test_text_is_text(page, bot):
    page.type("Alice", "<img src=x onerror=alert(1)><b>2</b>", Keys.ENTER)
    page.until(lambda: page.bubbles("Alice", "bot"))
    assert page.bubbles("Alice", "mine") == ["<img src=x onerror=alert(1)><b>2</b>"]
    assert page.all(".bubble img, .bubble b") == []


def test_it_is_all_there_after_a_reload(page, bot):
    page.type("Alice", "Hello", Keys.ENTER)
    page.until(lambda: page.bubbles("Alice", "bot"))
    page.click(".hide", page.columns()["Bob"])
    page.open()
    assert list(page.columns()) == ["Alice"]
    assert page.bubbles("Alice", "mine") == ["Hello"] and page.bubbles("Alice", "bot") == ["You said: Hello"]
    page.all("#reopen option")[1].click()
    page.until(lambda: "Bob" in page.columns())


def test_ticks_tell_of_retries(page, bot):
    bot.status = 503
    page.type("Alice", "Hello", Keys.ENTER)
    page.until(lambda: page.ticks("Alice") == ["retry"])
    page.until(lambda: page.all("#status")[0].get_attribute("data-state") == "warn")
    bot.status = 200
    page.until(lambda: page.ticks("Alice") == ["accepted"])
    page.until(lambda: page.all("#status")[0].get_attribute("data-state") == "good")


def test_a_customer_is_added(page, bot):
    page.click("#open-add")
    dialog = page.all("#add")[0]
    dialog.find_element(By.NAME, "name").send_keys("Çınar")
    dialog.find_element(By.NAME, "phone").send_keys("+905321234567", Keys.ENTER)
    page.until(lambda: "Çınar" in page.columns())
    page.browser.switch_to.active_element.send_keys("Merhaba", Keys.ENTER)
    page.until(lambda: page.bubbles("Çınar", "bot") == ["You said: Merhaba"])
    assert bot.inbox[0]["client"]["client_phone"] == "+905321234567"


def attach(page, name, what):
    column = page.columns()[name]
    page.click("summary", column)
    page.click(f"[data-attach={what}]", column)


def test_attachments(page, bot):
    attach(page, "Alice", "photo")
    bot.wait(lambda b: len(b.inbox) == 1)
    attach(page, "Alice", "voice")
    bot.wait(lambda b: len(b.inbox) == 2)
    attach(page, "Alice", "location")
    place = page.all("#location input")[0]
    place.clear()
    place.send_keys("1.5,-2.5", Keys.ENTER)
    bot.wait(lambda b: len(b.inbox) == 3)
    photo, voice, location = bot.inbox
    assert (photo["photo"], voice["audio"], location["coordinates"]) == (
        f"{page.sim.url}/photo.svg", f"{page.sim.url}/voice.wav", "1.5,-2.5")
    image = page.until(lambda: page.all(".bubble img", page.columns()["Alice"]))[0]
    page.until(lambda: image.get_property("naturalWidth") > 0)


def test_faults_are_set_and_cleared(page):
    page.click("#open-faults")
    latency = page.all("#faults [name=latency_ms]")[0]
    latency.clear()
    latency.send_keys("250")
    page.click("#faults [name=cut]")
    page.click("#faults .primary")
    page.until(lambda: page.sim.control("GET", "/faults")["cut"])
    assert page.sim.control("GET", "/faults")["latency_ms"] == 250
    page.until(lambda: page.all("#faults-on")[0].is_displayed())
    page.click("#open-faults")
    page.click("#no-faults")
    page.until(lambda: not page.sim.control("GET", "/faults")["cut"])
    page.until(lambda: not page.all("#faults-on")[0].is_displayed())


def test_a_phone_shows_one_chat_at_a_time(page):
    page.browser.set_window_size(420, 860)
    try:
        width = page.browser.execute_script("return innerWidth")
        page.until(lambda: page.columns()["Alice"].size["width"] > 0.85 * width)
        assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.browser.set_window_size(1280, 900)


def test_everything_has_a_name(page):
    """Every button, input and log can be told by a screen reader."""
    page.click("#open-faults")
    unnamed = page.browser.execute_script("""
        return [...document.querySelectorAll("button, input, select, textarea, summary")].filter((e) =>
            !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label")?.textContent.trim()))
            .map((e) => e.outerHTML)""")
    assert unnamed == []
    assert all(log.get_attribute("aria-live") == "polite" for log in page.all(".log"))
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all("#faults[open]"))


def test_only_its_own_files_may_run(sim):
    for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css"),
                       ("/icon.svg", "image/svg+xml"), ("/voice.wav", "audio/wav")):
        answer = sim.request("GET", path)
        assert answer.headers["content-type"].startswith(kind)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert b"https://" not in answer.body
    assert sim.request("POST", "/app.js").status in (405, 415)


def test_the_page_comes_back_after_a_restart(page, bot, tmp_path, browser):
    port = page.sim.port
    assert page.sim.stop() == 0
    page.until(lambda: page.all("#status")[0].get_attribute("data-state") == "bad")
    page.sim.__init__(BINARY, tmp_path / "simulator", "--no-webhook", "--simulator-port", str(port))
    bot.token = page.sim.token
    page.sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    page.until(lambda: page.all("#status")[0].get_attribute("data-state") != "bad")
    page.type("Alice", "Back again", Keys.ENTER)
    page.until(lambda: page.bubbles("Alice", "bot") == ["You said: Back again"])
    browser.get_log("browser")


def test_an_order_in_the_demo(browser, start_service, chat2order):
    """What a newcomer does first: `run`, the page, a dialog; and the order is there."""
    service = start_service()

    class Demo:
        url = service.simulator_url

    page = Page(browser, Demo)
    answers = 0
    for text in ("Hello", "5 Main Street, Bishkek", "+996555123456", "2", "Yes"):
        page.type("Alice", text, Keys.ENTER)
        answers += 1
        page.until(lambda: len(page.all(".bubble.bot", page.columns()["Alice"])) == answers)
    assert page.bubbles("Alice", "bot")[-1].startswith("Thank you")
    (order,) = chat2order("orders", "list", "--json").json
    assert "5 Main Street, Bishkek" in str(order) and "+996555123456" in str(order)
