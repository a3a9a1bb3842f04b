/* app.js - the page: a client of the control API (/sim) and of nothing else. */
"use strict";

const KEPT = "chat2order.open";   // ids of the open chats, over reloads
const OPEN_AT_FIRST = 3;
const BUBBLES_MAX = 400;          // a chat

const $ = (id) => document.getElementById(id);
const customers = new Map();      // id -> customer
const chats = new Map();          // id -> { customer, column, log, ticks: Map(message id -> element) }
const chatEvents = new Map();     // id -> events of his chat, for chats opened later
let webhooks = new Map();

// ---- the control API -----------------------------------------------------------------------------

async function call(method, path, body) {
	const request = { method };

	if (body !== undefined) {
		request.headers = { "Content-Type": "application/json" };
		request.body = JSON.stringify(body);
	}
	const answer = await fetch(path, request);
	const json = await answer.json();
	if (!answer.ok)
		throw new Error(json.error || `HTTP ${answer.status}`);
	return json;
}

// ---- bubbles ---------------------------------------------------------------------------------------

function element(tag, className, text) {
	const e = document.createElement(tag);

	if (className)
		e.className = className;
	if (text !== undefined)
		e.textContent = text;
	return e;
}

function clock(time) {
	const date = new Date(time);

	return isNaN(date) ? "" : date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function media(event) {
	const parts = [];

	if (event.photo) {
		const img = element("img");
		img.src = event.photo;
		img.alt = "photo";
		parts.push(img);
	}
	if (event.voice) {
		const audio = element("audio");
		audio.controls = true;
		audio.preload = "none";
		audio.src = event.voice;
		audio.setAttribute("aria-label", "voice message");
		parts.push(audio);
	}
	if (event.location)
		parts.push(element("p", "", `Location ${event.location}`));
	for (const kind of ["video", "file", "pdf"])
		if (event[kind])
			parts.push(element("p", "", `${kind}: ${event[kind]}`));
	return parts;
}

function bubble(event, who) {
	const b = element("article", `bubble ${who}`);
	const footer = element("footer");

	b.append(...media(event));
	if (event.text) {
		const p = element("p", "", event.text);
		p.dir = "auto";
		b.append(p);
	}
	footer.append(element("time", "", clock(event.time)));
	b.append(footer);
	return b;
}

function append(chat, node) {
	const log = chat.log;
	const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;

	log.querySelector(".hint")?.remove();
	log.append(node);
	while (log.childElementCount > BUBBLES_MAX)
		log.firstElementChild.remove();
	if (atEnd || node.classList.contains("mine"))
		log.scrollTop = log.scrollHeight;
}

function seconds(ms) {
	if (ms < 90000)
		return `${Math.max(1, Math.round(ms / 1000))} s`;
	return ms < 5400000 ? `${Math.round(ms / 60000)} min` : `${Math.round(ms / 3600000)} h`;
}

const TICKS = {
	sent: () => ["◷", "on its way to the service"],
	accepted: () => ["✓✓", "accepted by the service"],
	retry: (e) => [`↻ again in ${seconds(e.retry_in_ms)}`, e.error],
	gone: (e) => ["✕ not delivered", e.error],
};

function setTick(tick, state, event) {
	const [text, explanation] = TICKS[state](event);

	tick.dataset.state = state;
	tick.textContent = text;
	tick.title = explanation;
	tick.setAttribute("aria-label", `${text.replace(/^\W+/, "")} ${explanation}`.trim());
}

// ---- events ------------------------------------------------------------------------------------------

const SHOW_IN_CHAT = {
	inbox(chat, event) {
		const b = bubble(event, "mine");
		const tick = element("span", "tick");

		setTick(tick, "sent", event);
		tick.setAttribute("role", "img");
		b.lastElementChild.append(tick);
		chat.ticks.set(event.message_id, tick);
		append(chat, b);
	},
	outbox: (chat, event) => append(chat, bubble(event, "bot")),
	comment: (chat, event) => append(chat, bubble({ ...event, text: `Comment, unseen by the customer: ${event.text}` }, "note")),
	system_message: (chat, event) => append(chat, bubble({ ...event, text: `System: ${event.text}` }, "note")),
	delivery(chat, event) {
		const tick = chat.ticks.get(event.message_id);

		if (tick && tick.dataset.state !== "accepted")
			setTick(tick, event.state, event);
	},
};

const TAKE = {
	customer: (event) => addCustomer(event.customer),
	webhook: (event) => { webhooks.set(event.webhook.id, event.webhook); showStatus(); },
	webhook_removed: (event) => { webhooks.delete(event.webhook_id); showStatus(); },
	faults: (event) => showFaults(event.faults),
};

function take(event) {
	if (TAKE[event.kind])
		TAKE[event.kind](event);
	if (!SHOW_IN_CHAT[event.kind])
		return;
	const list = chatEvents.get(event.client_id) || [];
	list.push(event);
	if (list.length > 3 * BUBBLES_MAX)
		list.splice(0, list.length - 2 * BUBBLES_MAX);
	chatEvents.set(event.client_id, list);
	if (chats.has(event.client_id))
		SHOW_IN_CHAT[event.kind](chats.get(event.client_id), event);
}

// ---- chats -------------------------------------------------------------------------------------------

function keepOpen() {
	localStorage.setItem(KEPT, JSON.stringify([...chats.keys()]));
}

function addCustomer(customer) {
	customers.set(customer.id, customer);
	showReopen();
}

function initials(name) {
	return name.split(/\s+/).slice(0, 2).map((word) => [...word][0] || "").join("").toUpperCase();
}

function grow(area) {
	area.style.height = "auto";
	area.style.height = `${area.scrollHeight + 2}px`;
}

async function write(chat, message) {
	try {
		await call("POST", "/sim/messages", { customer: chat.customer.id, ...message });
		return true;
	} catch (error) {
		append(chat, bubble({ text: `Not sent: ${error.message}` }, "note"));
		return false;
	}
}

const ATTACH = {
	location: (chat) => {
		$("location").chat = chat;
		$("location").showModal();
	},
	photo: (chat) => write(chat, { photo: `${location.origin}/photo.svg` }),
	voice: (chat) => write(chat, { voice: `${location.origin}/voice.wav` }),
};

function wireComposer(chat, form) {
	const area = form.querySelector("textarea");
	const attach = form.querySelector("details");

	form.addEventListener("submit", async (event) => {
		const text = area.value;

		event.preventDefault();
		if (text.trim() === "")
			return;
		area.value = "";
		grow(area);
		if (!await write(chat, { text }) && area.value === "")
			area.value = text;
	});
	area.addEventListener("input", () => grow(area));
	area.addEventListener("keydown", (event) => {
		if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
			event.preventDefault();
			form.requestSubmit();
		}
	});
	attach.addEventListener("keydown", (event) => {
		if (event.key === "Escape")
			attach.open = false;
	});
	attach.addEventListener("focusout", (event) => {
		if (event.relatedTarget && !attach.contains(event.relatedTarget))
			attach.open = false;
	});
	for (const button of form.querySelectorAll("[data-attach]"))
		button.addEventListener("click", () => {
			attach.open = false;
			ATTACH[button.dataset.attach](chat);
		});
}

function openChat(id) {
	const customer = customers.get(id);

	if (!customer || chats.has(id))
		return chats.get(id);
	const column = $("column").content.firstElementChild.cloneNode(true);
	const chat = { customer, column, log: column.querySelector(".log"), ticks: new Map() };
	column.setAttribute("aria-label", `Chat of ${customer.name}`);
	column.dataset.customer = id;
	column.querySelector("h2").textContent = customer.name;
	column.querySelector("small").textContent = `${customer.transport} · ${customer.phone || customer.address}`;
	column.querySelector(".avatar").textContent = initials(customer.name);
	column.querySelector(".avatar").style.setProperty("--hue", (id * 67) % 360);
	column.querySelector("textarea").setAttribute("aria-label", `Message of ${customer.name} to the bot`);
	column.querySelector(".hide").addEventListener("click", () => closeChat(id));
	wireComposer(chat, column.querySelector("form"));
	chats.set(id, chat);
	$("columns").append(column);
	for (const event of chatEvents.get(id) || [])
		SHOW_IN_CHAT[event.kind](chat, event);
	chat.log.scrollTop = chat.log.scrollHeight;
	keepOpen();
	showReopen();
	return chat;
}

function closeChat(id) {
	chats.get(id).column.remove();
	chats.delete(id);
	keepOpen();
	showReopen();
}

function focusChat(chat) {
	chat.column.scrollIntoView({ inline: "center" });
	chat.column.querySelector("textarea").focus();
}

// ---- the bar -----------------------------------------------------------------------------------------

function showReopen() {
	const closed = [...customers.values()].filter((c) => !chats.has(c.id)).slice(-200);

	$("reopen").replaceChildren(new Option("Show…", ""), ...closed.map((c) => new Option(c.name, c.id)));
	$("reopen").parentElement.hidden = closed.length === 0;
}

function setStatus(state, text) {
	$("status").dataset.state = state;
	$("status").title = text;
	$("status").lastElementChild.textContent = text;
}

function showStatus() {
	const all = [...webhooks.values()];
	const off = all.find((w) => w.status !== "enabled");
	const failing = all.find((w) => w.errors.length > 0);

	if (all.length === 0)
		setStatus("warn", "no webhook is registered");
	else if (off)
		setStatus("bad", `switched off: ${off.url}`);
	else if (failing)
		setStatus("warn", `${failing.errors[0]}: ${failing.url}`);
	else
		setStatus("good", `webhooks to ${all.map((w) => w.url).join(", ")}`);
}

// ---- dialogs -----------------------------------------------------------------------------------------

function wireDialog(id, submit) {
	const dialog = $(id);
	const form = dialog.querySelector("form");
	const problem = dialog.querySelector(".problem");

	for (const button of dialog.querySelectorAll("[data-close]"))
		button.addEventListener("click", () => dialog.close());
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		try {
			await submit(form, dialog);
			dialog.close();
		} catch (error) {
			if (problem)
				problem.textContent = error.message;
		}
	});
	dialog.addEventListener("close", () => { if (problem) problem.textContent = ""; });
}

async function submitCustomer(form) {
	const wish = Object.fromEntries(new FormData(form));
	const { customer } = await call("POST", "/sim/customers", wish);

	addCustomer(customer);
	form.reset();
	setTimeout(() => focusChat(openChat(customer.id)));
}

async function submitLocation(form, dialog) {
	await write(dialog.chat, { location: form.elements.location.value });
}

const FAULT_NUMBERS = ["latency_ms", "status", "calls", "duplicates", "delay_ms", "shuffle_ms"];
const FAULT_FLAGS = ["accept", "cut", "hang"];

function showFaults(faults) {
	const form = $("faults").querySelector("form");

	for (const name of FAULT_NUMBERS)
		form.elements[name].value = faults[name];
	for (const name of FAULT_FLAGS)
		form.elements[name].checked = faults[name];
	form.elements.percent.value = Math.round(faults.probability * 100);
	$("faults-on").hidden = !(faults.latency_ms || faults.status || faults.cut || faults.hang ||
		faults.duplicates > 1 || faults.delay_ms || faults.shuffle_ms);
}

async function submitFaults(form) {
	const faults = { probability: Number(form.elements.percent.value) / 100 };

	for (const name of FAULT_NUMBERS)
		faults[name] = Number(form.elements[name].value);
	for (const name of FAULT_FLAGS)
		faults[name] = form.elements[name].checked;
	showFaults(await call("POST", "/sim/faults", faults));
}

// ---- start -------------------------------------------------------------------------------------------

function forget() {
	for (const chat of chats.values())
		chat.column.remove();
	for (const map of [customers, chats, chatEvents, webhooks])
		map.clear();
}

async function firstCustomers() {
	for (const wish of [{ name: "Alice", transport: "telegram" }, { name: "Bob", transport: "whatsapp", phone: "+996555123456" }])
		addCustomer((await call("POST", "/sim/customers", wish)).customer);
}

function kept() {
	try {
		return JSON.parse(localStorage.getItem(KEPT)) || [];
	} catch {
		return [];
	}
}

/* Everything anew: customers, webhooks, faults and the events that are remembered. Returns the last event. */
async function load() {
	const open = kept();
	const state = await call("GET", "/sim/state");
	let last = 0;

	forget();
	state.customers.forEach(addCustomer);
	if (customers.size === 0)
		await firstCustomers();
	while (last < state.last) {
		const answer = await call("GET", `/sim/events?after=${last}&wait_ms=0`);
		answer.events.forEach(take);
		last = answer.last;
	}
	webhooks = new Map(state.webhooks.map((w) => [w.id, w]));
	showFaults(state.faults);
	showStatus();
	open.forEach(openChat);
	if (chats.size === 0)
		[...customers.keys()].slice(0, OPEN_AT_FIRST).forEach(openChat);
	return last;
}

async function watch() {
	for (;;) {
		try {
			let last = await load();

			for (;;) {
				const answer = await call("GET", `/sim/events?after=${last}`);
				answer.events.forEach(take);
				last = answer.last;
			}
		} catch (error) {
			setStatus("bad", `the simulator can't be reached (${error.message}); trying again`);
			await new Promise((resolve) => setTimeout(resolve, 1000));
		}
	}
}

$("open-add").addEventListener("click", () => $("add").showModal());
$("open-faults").addEventListener("click", () => $("faults").showModal());
$("no-faults").addEventListener("click", async () => {
	showFaults(await call("DELETE", "/sim/faults"));
	$("faults").close();
});
document.addEventListener("pointerdown", (event) => {
	for (const menu of document.querySelectorAll(".attach[open]"))
		if (!menu.contains(event.target))
			menu.open = false;
});
$("reopen").addEventListener("change", (event) => {
	if (event.target.value)
		focusChat(openChat(Number(event.target.value)));
});
wireDialog("add", submitCustomer);
wireDialog("location", submitLocation);
wireDialog("faults", submitFaults);
watch();
