/* healthcheck.c - `healthcheck`: asks the running service, for containers and people. */
#include "command/commands.h"
#include "command/jsonout.h"
#include "command/options.h"
#include "command/output.h"

#include <curl/curl.h>
#include <inttypes.h>

enum { ANSWER_MAX = 1 << 18, TIMEOUT_STANDARD_S = 5, TIMEOUT_MAX_S = 300 };

/* Where the public listener can be reached from this machine. */
static int service_url(const struct options *o, struct buf *url)
{
	const struct settings *s = &o->settings;
	const char *host = s->host;

	if (options_value(o, "url") != NULL) {
		buf_printf(url, "%s/health", options_value(o, "url"));
		return OPTIONS_GO_ON;
	}
	if (s->port == 0)
		return options_mistake(
		    o->help, "PORT is 0, so the port is not known; give --url http://127.0.0.1:PORT");
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	buf_printf(url, strchr(host, ':') != NULL ? "http://[%s]:%" PRId64 "/health" : "http://%s:%" PRId64 "/health",
	    host, s->port);
	return OPTIONS_GO_ON;
}

static size_t collect(char *bytes, size_t size, size_t n, void *context)
{
	struct buf *answer = context;

	if (answer->n + size * n > ANSWER_MAX)
		return 0;
	buf_add(answer, bytes, size * n);
	return size * n;
}

/* The HTTP status, or 0 with libcurl's words in error. */
static long ask(const char *url, int64_t timeout_s, struct buf *answer, char error[CURL_ERROR_SIZE])
{
	CURL *curl = curl_easy_init();
	long status = 0;

	error[0] = '\0';
	if (curl == NULL)
		return 0;
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)timeout_s);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (curl_easy_perform(curl) == CURLE_OK)
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

/* What is wrong, also where it does not make the service unhealthy. */
static void print_reasons(json_t *health)
{
	json_t *reason;
	size_t i;

	json_array_foreach (json_object_get(health, "reasons"), i, reason) {
		const char *check = json_string_value(json_object_get(reason, "check"));
		const char *sentence = json_string_value(json_object_get(reason, "reason"));
		struct buf text = { 0 };

		terminal_text(&text, slice_of(sentence));
		(void)printf("%s: %.*s\n", check != NULL ? check : "?", SLICE_PRINT(buf_as_slice(&text)));
		buf_free(&text);
	}
}

static int report(const struct options *o, const char *url, long status, const struct buf *answer)
{
	json_t *health = json_loadb(answer->n > 0 ? answer->p : "", answer->n, 0, NULL);
	const char *word = json_string_value(json_object_get(health, "status"));
	bool healthy = status == 200 && word != NULL && strcmp(word, "healthy") == 0;

	if (word == NULL) {
		(void)fprintf(stderr,
		    "chat2order: %s answered %ld, but not as chat2order does; is another program on that port?\n", url,
		    status);
	} else if (o->json) {
		json_print(json_incref(health));
	} else {
		(void)puts(healthy ? "healthy" : "unhealthy");
		print_reasons(health);
	}
	json_decref(health);
	return healthy ? EXIT_DONE : EXIT_FAILED;
}

static int check(const struct options *o)
{
	int64_t timeout_s = TIMEOUT_STANDARD_S;
	char error[CURL_ERROR_SIZE];
	struct buf url = { 0 }, answer = { 0 };
	int code = options_number(o, "timeout", 1, TIMEOUT_MAX_S, &timeout_s);
	long status;

	if (code == OPTIONS_GO_ON)
		code = service_url(o, &url);
	if (code == OPTIONS_GO_ON) {
		status = ask(url.p, timeout_s, &answer, error);
		if (status != 0)
			code = report(o, url.p, status, &answer);
		else
			(void)fprintf(
			    stderr, "chat2order: no answer from %s: %s; is the service running?\n", url.p, error);
	}
	buf_free(&url);
	buf_free(&answer);
	return code == OPTIONS_GO_ON ? EXIT_FAILED : code;
}

int command_healthcheck(int argc, char **argv)
{
	static const struct option_row rows[] = {
		{ "url", "URL", "ask there, as http://127.0.0.1:3000, instead of at HOST and PORT" },
		{ "timeout", "SECONDS", "to wait for the answer (5)" },
	};
	static const struct command_help help = {
		.name = "healthcheck",
		.about =
		    "Asks the running service whether it is healthy (GET /health). Exit code 0: healthy; 1: unhealthy,\n"
		    "with the reasons, or no answer.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.json = true,
		.examples = "chat2order healthcheck\n"
			    "chat2order healthcheck --port 8080 --timeout 2\n"
			    "HEALTHCHECK CMD [\"chat2order\", \"healthcheck\"]    # in a Dockerfile\n",
	};
	struct options o;
	int code = options_parse(&o, &help, argc, argv);

	if (code != OPTIONS_GO_ON)
		return code;
	code = check(&o);
	options_free(&o);
	return code;
}
