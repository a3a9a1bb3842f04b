/* talk.c - the terminal chat: one loop over the input, the simulator's events and the end. */
#include "command/talk.h"

#include "base/buf.h"
#include "base/clock.h"
#include "command/output.h"
#include "simulator/remote.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

struct talk_state {
	const struct talk_options *options;
	struct sim_remote *remote;
	struct buf input; /* read, not yet sent */
	bool by_hand;     /* the input is a terminal */
	bool prompted;    /* the prompt stands on the last line */
	bool input_ended;
	bool leaving;
	int64_t waits_since; /* monotonic ms of a message whose reply is still to come; 0: none */
};

static const char indent[] = "     ";

/* ---- what is printed ---------------------------------------------------------------------------------- */

static void clear_prompt(struct talk_state *t)
{
	if (t->prompted)
		(void)fputs("\r\033[K", stdout);
	t->prompted = false;
}

static void prompt(struct talk_state *t)
{
	if (t->by_hand && !t->prompted && !t->leaving)
		(void)fputs("you  ", stdout);
	t->prompted = t->by_hand;
	(void)fflush(stdout);
}

/* Takes the first line off a text. */
static struct slice first_line(struct slice *text)
{
	const char *end = memchr(text->p, '\n', text->n);
	size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
	struct slice line = { text->p, n };

	n += end != NULL;
	*text = (struct slice){ text->p + n, text->n - n };
	return line;
}

/* Who speaks, and his lines under each other. */
static void say(const char *who, struct slice text)
{
	struct buf out = { 0 };

	buf_printf(&out, "%-*s", (int)sizeof indent - 1, who);
	for (bool first = true; text.n > 0; first = false) {
		struct slice line = first_line(&text);

		if (!first)
			buf_text(&out, line.n > 0 ? indent : "");
		terminal_text(&out, line);
		buf_char(&out, '\n');
	}
	(void)fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
}

static void explain_delivery(const json_t *event)
{
	const char *state = json_string_value(json_object_get(event, "state"));
	const char *error = json_string_value(json_object_get(event, "error"));
	int64_t retry_ms = json_integer_value(json_object_get(event, "retry_in_ms"));

	if (state == NULL || error == NULL || strcmp(state, "accepted") == 0)
		return;
	if (strcmp(state, "retry") == 0)
		(void)fprintf(stderr, "%s(the service did not take it: %s; again in %.3g s)\n", indent, error,
		    (double)retry_ms / 1000);
	else
		(void)fprintf(stderr, "%s(not delivered: %s)\n", indent, error);
}

static void on_event(void *context, const json_t *event)
{
	struct talk_state *t = context;
	const char *kind = json_string_value(json_object_get(event, "kind"));
	const json_t *text = json_object_get(event, "text");

	if (kind == NULL)
		return;
	clear_prompt(t);
	if (strcmp(kind, "outbox") == 0) {
		say("bot", (struct slice){ json_string_value(text), json_string_length(text) });
		t->waits_since = 0;
	} else if (strcmp(kind, "delivery") == 0) {
		explain_delivery(event);
	}
}

static void show_help(void)
{
	(void)puts("     Write as the customer would. A line that begins with / may also be:\n"
		   "       /location 42.8746,74.5698    /photo    /voice    /quit");
}

/* ---- what is sent --------------------------------------------------------------------------------------- */

static enum err send(struct talk_state *t, const char *kind, struct slice value, struct slice shown, struct why *why)
{
	if (!t->by_hand)
		say("you", shown);
	t->waits_since = clock_mono_ms();
	return sim_remote_write(t->remote, kind, value, why);
}

static enum err send_file(struct talk_state *t, const char *kind, const char *file, struct slice line, struct why *why)
{
	struct buf url = { 0 };
	enum err e;

	buf_printf(&url, "%s/%s", t->options->url, file);
	e = send(t, kind, buf_as_slice(&url), line, why);
	buf_free(&url);
	return e;
}

static enum err obey(struct talk_state *t, struct slice line, struct why *why)
{
	static const char location[] = "/location ";
	size_t n = sizeof location - 1;

	if (slice_eq(line, SLICE("/quit")))
		t->leaving = true;
	else if (slice_eq(line, SLICE("/help")))
		show_help();
	else if (slice_eq(line, SLICE("/photo")))
		return send_file(t, "photo", "photo.svg", line, why);
	else if (slice_eq(line, SLICE("/voice")))
		return send_file(t, "voice", "voice.wav", line, why);
	else if (line.n > n && memcmp(line.p, location, n) == 0)
		return send(t, "location", slice_trim((struct slice){ line.p + n, line.n - n }), line, why);
	else
		return send(t, "text", line, line, why);
	return ERR_OK;
}

/* Takes the next line out of the input; false: there is no whole one yet. */
static bool next_line(struct talk_state *t, struct buf *line)
{
	const char *end = t->input.n > 0 ? memchr(t->input.p, '\n', t->input.n) : NULL;
	size_t n = end != NULL ? (size_t)(end - t->input.p) : t->input.n;
	size_t used = n + (end != NULL);

	if (end == NULL && (!t->input_ended || n == 0))
		return false;
	buf_reset(line);
	buf_add(line, t->input.p, n);
	memmove(t->input.p, t->input.p + used, t->input.n - used);
	t->input.n -= used;
	return true;
}

static bool may_send(const struct talk_state *t)
{
	return !t->leaving && (t->by_hand || t->waits_since == 0);
}

/* A person takes his time; a pipe could answer within the millisecond of the question, which counts as before it. */
static void take_time(const struct talk_state *t)
{
	const struct timespec moment = { .tv_nsec = 5000000 };

	if (!t->by_hand)
		(void)nanosleep(&moment, NULL);
}

static enum err send_lines(struct talk_state *t, struct why *why)
{
	struct buf line = { 0 };
	enum err e = ERR_OK;

	while (e == ERR_OK && may_send(t) && next_line(t, &line)) {
		struct slice text = slice_trim(buf_as_slice(&line));

		t->prompted = false; /* the line's end has moved on from it */
		if (text.n == 0)
			continue;
		take_time(t);
		e = obey(t, text, why);
	}
	buf_free(&line);
	return e;
}

/* ---- the loop ------------------------------------------------------------------------------------------- */

static void read_input(struct talk_state *t)
{
	char piece[4096];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);

	if (n > 0)
		buf_add(&t->input, piece, (size_t)n);
	else if (n == 0 || errno != EINTR)
		t->input_ended = true;
}

static bool is_over(const struct talk_state *t)
{
	return t->leaving || (t->input_ended && t->input.n == 0 && (t->by_hand || t->waits_since == 0));
}

static enum err wait_for_something(struct talk_state *t, int signals, struct why *why)
{
	bool wants_input = !t->input_ended && may_send(t);
	int files[SIM_REMOTE_FILES_MAX] = { wants_input ? STDIN_FILENO : -1, signals };
	bool readable[SIM_REMOTE_FILES_MAX];
	int64_t left_ms = 1000;
	enum err e;

	if (!t->by_hand && t->waits_since != 0)
		left_ms = t->waits_since + t->options->reply_timeout_ms - clock_mono_ms();
	if (left_ms <= 0)
		return why_fail(
		    why, ERR_FAILED, "No reply came in %" PRId64 " s.", t->options->reply_timeout_ms / 1000);
	prompt(t);
	e = sim_remote_wait(t->remote, files, left_ms, readable, why);
	if (readable[0])
		read_input(t);
	if (readable[1])
		t->leaving = true;
	return e;
}

static enum err converse(struct talk_state *t, int signals, struct why *why)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !is_over(t)) {
		e = send_lines(t, why);
		if (e == ERR_OK && !is_over(t))
			e = wait_for_something(t, signals, why);
	}
	if (t->prompted)
		(void)putchar('\n');
	(void)fflush(stdout);
	return e;
}

static int watch_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

enum err talk(const struct talk_options *options, struct why *why)
{
	struct talk_state t = { .options = options, .by_hand = isatty(STDIN_FILENO) == 1 };
	int signals = watch_signals();
	enum err e = sim_remote_open(
	    &(struct sim_remote_options){
		.url = options->url,
		.name = options->name,
		.transport = options->transport,
		.phone = options->phone,
		.event = on_event,
		.context = &t,
	    },
	    &t.remote, why);

	if (e == ERR_OK)
		e = converse(&t, signals, why);
	sim_remote_close(&t.remote);
	buf_free(&t.input);
	if (signals >= 0)
		(void)close(signals);
	return e;
}
