/* play_transcripts.c - plays tests/transcripts/ over the real dialog code. Usage: play FORMS-FOLDER FILE...
 *
 * The lines of a transcript are explained in tests/transcripts/README.md. */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 1024 };

struct play {
	const char *forms, *file;
	unsigned line, failures;
	struct dialog_form *form;
	struct talk talk;
	/* the turn that is being gathered */
	struct dialog_message messages[TALK_TURN_MESSAGES];
	size_t n;
	struct arena words;
	size_t found; /* how far `shop:` lines have found their text in the reply */
};

static void complain(struct play *p, const char *expected, struct slice got)
{
	p->failures++;
	(void)fprintf(stderr, "%s:%u: expected %s, got: %.*s\n", p->file, p->line, expected, SLICE_PRINT(got));
}

static void load_form(struct play *p, const char *name)
{
	char path[4096] = "";
	struct why why = { "" };

	if (name != NULL)
		(void)snprintf(path, sizeof path, "%s/%s", p->forms, name);
	dialog_form_free(&p->form);
	if (dialog_form_load(path, &p->form, &why) != ERR_OK) {
		(void)fprintf(stderr, "%s:%u: %s\n", p->file, p->line, why.text);
		exit(1);
	}
	talk_begin(&p->talk, p->form);
}

/* Gives the gathered messages to the dialog. */
static void play_turn(struct play *p)
{
	if (p->n == 0)
		return;
	talk_turn(&p->talk, p->messages, p->n);
	p->talk.undelivered = false;
	p->n = 0;
	p->found = 0;
}

static struct dialog_message *say(struct play *p, bool same_turn, const char *text)
{
	struct dialog_message *m;

	if (!same_turn)
		play_turn(p);
	if (p->n == TALK_TURN_MESSAGES) {
		complain(p, "a turn of at most 32 messages", SLICE_NONE);
		p->n = 0;
	}
	m = &p->messages[p->n++];
	*m = (struct dialog_message){ .kind = KIND_TEXT, .text = slice_copy(&p->words, slice_of(text)) };
	return m;
}

static bool play_kind(struct play *p, const char *what, const char *text)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = { { "photo", KIND_PHOTO }, { "voice", KIND_VOICE }, { "video", KIND_VIDEO }, { "file", KIND_FILE },
		{ "sticker", KIND_EMPTY }, { "location", KIND_LOCATION } };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (strcmp(what, kinds[i].name) == 0) {
			struct dialog_message *m = say(p, false, strcmp(text, "-") == 0 ? "" : text);

			m->kind = kinds[i].kind;
			if (m->kind == KIND_LOCATION) {
				m->coordinates = m->text;
				m->text = SLICE_NONE;
			}
			return true;
		}
	}
	return false;
}

static bool play_customer(struct play *p, const char *what, const char *text)
{
	if (strcmp(what, "customer") == 0 || strcmp(what, "at once") == 0)
		(void)say(p, what[0] == 'a', text);
	else if (strcmp(what, "before seeing") == 0)
		say(p, false, text)->said_ms = p->talk.shown_ms;
	else if (strcmp(what, "late") == 0)
		say(p, false, text)->late = true;
	else if (strcmp(what, "undelivered") == 0) {
		(void)say(p, false, text);
		p->talk.undelivered = true;
	} else
		return play_kind(p, what, text);
	return true;
}

static void expect_part(struct play *p, const char *text)
{
	struct slice reply = p->talk.result.reply, rest = { reply.p + p->found, reply.n - p->found };
	const char *at = rest.p != NULL ? memmem(rest.p, rest.n, text, strlen(text)) : NULL;

	if (at == NULL)
		complain(p, text, rest);
	else
		p->found = (size_t)(at - reply.p) + strlen(text);
}

static void expect_end(struct play *p, const char *text)
{
	struct slice reply = p->talk.result.reply;
	size_t n = strlen(text);

	if (reply.n < n || memcmp(reply.p + reply.n - n, text, n) != 0)
		complain(p, text, reply);
}

static void expect_order(struct play *p, const char *text)
{
	const struct dialog_order *o = &p->talk.result.order;
	char got[LINE_SIZE] = "no order";

	if (p->talk.result.has_order)
		(void)snprintf(got, sizeof got, "%.*s | %.*s | %lld", SLICE_PRINT(o->address), SLICE_PRINT(o->phone),
		    (long long)o->quantity);
	if (strcmp(got, text) != 0)
		complain(p, text, slice_of(got));
}

static void expect_dropped(struct play *p, const char *state)
{
	for (size_t i = 0; i < p->talk.result.n_outcomes; i++)
		if (slice_eq(p->talk.result.outcomes[i].dropoff_state, slice_of(state)))
			return;
	complain(p, state, SLICE("no such outcome"));
}

static bool expect(struct play *p, const char *what, const char *text)
{
	if (strcmp(what, "shop") == 0)
		expect_part(p, text);
	else if (strcmp(what, "shop ends") == 0)
		expect_end(p, text);
	else if (strcmp(what, "order") == 0)
		expect_order(p, text);
	else if (strcmp(what, "dropped") == 0)
		expect_dropped(p, text);
	else if (strcmp(what, "state") != 0)
		return false;
	else if (!slice_eq(talk_state(&p->talk), slice_of(text)))
		complain(p, text, talk_state(&p->talk));
	return true;
}

static bool expect_nothing(struct play *p, const char *line)
{
	const struct dialog_result *r = &p->talk.result;

	if (strcmp(line, "shop says nothing") == 0) {
		if (r->reply.n > 0)
			complain(p, "silence", r->reply);
	} else if (strcmp(line, "no order") == 0) {
		if (r->has_order)
			complain(p, "no order", r->order.fields);
	} else if (strcmp(line, "not dropped") == 0) {
		if (r->n_outcomes > 0)
			complain(p, "no outcome", r->outcomes[0].dropoff_state);
	} else {
		return false;
	}
	return true;
}

static bool play_setting(struct play *p, const char *what, const char *text)
{
	if (strcmp(what, "form") == 0)
		load_form(p, text);
	else if (strcmp(what, "known phone") == 0)
		p->talk.client_phone = slice_copy(&p->words, slice_of(text));
	else
		return false;
	return true;
}

static void play_line(struct play *p, char *line)
{
	char *colon = strstr(line, ": ");

	if (colon != NULL) {
		*colon = '\0';
		if (play_setting(p, line, colon + 2) || play_customer(p, line, colon + 2))
			return;
		play_turn(p);
		if (!expect(p, line, colon + 2))
			complain(p, "a line of tests/transcripts/README.md", slice_of(line));
		return;
	}
	play_turn(p);
	if (strcmp(line, "silence") == 0)
		talk_expire(&p->talk);
	else if (!expect_nothing(p, line))
		complain(p, "a line of tests/transcripts/README.md", slice_of(line));
}

static unsigned play_file(const char *forms, const char *file)
{
	struct play p = { .forms = forms, .file = file };
	char line[LINE_SIZE];
	FILE *f = fopen(file, "r");

	if (f == NULL) {
		perror(file);
		return 1;
	}
	load_form(&p, NULL);
	while (fgets(line, sizeof line, f) != NULL) {
		p.line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			play_line(&p, line);
	}
	play_turn(&p);
	(void)fclose(f);
	talk_end(&p.talk);
	arena_free(&p.words);
	dialog_form_free(&p.form);
	return p.failures;
}

int main(int argc, char **argv)
{
	unsigned failures = 0;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: play_transcripts FORMS-FOLDER FILE...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		failures += play_file(argv[1], argv[i]);
	(void)printf("%d transcripts, %u failures\n", argc - 2, failures);
	return failures > 0;
}
