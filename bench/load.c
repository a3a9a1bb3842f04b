/* load.c - the load generator: one measurement a call, one line of JSON as its result. See README.md. */
#include "load.h"

#include "payload.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void measure_constant(struct load_options *o)
{
	o->port = constant_start();
	load_posts(o);
}

static void measure_intake(struct load_options *o)
{
	load_posts(o);
}

static void measure_echo(struct load_options *o)
{
	load_talks(o, true);
}

static void measure_whole(struct load_options *o)
{
	load_talks(o, false);
}

static void measure_disk(struct load_options *o)
{
	load_disk(o);
}

static const struct {
	const char *name;
	void (*measure)(struct load_options *);
} modes[] = {
	{ "constant", measure_constant },
	{ "intake", measure_intake },
	{ "echo", measure_echo },
	{ "whole", measure_whole },
	{ "disk", measure_disk },
};

static int usage(void)
{
	fputs("usage: load constant|intake|echo|whole|disk [--port N] [--api-port N] [--seconds N] [--messages N]\n"
	      "            [--customers N] [--token TOKEN] [--dir FOLDER]\n",
	    stderr);
	return 2;
}

static bool parse(int argc, char **argv, struct load_options *o)
{
	static const struct option names[] = { { "port", 1, NULL, 'p' }, { "api-port", 1, NULL, 'a' },
		{ "seconds", 1, NULL, 's' }, { "messages", 1, NULL, 'm' }, { "customers", 1, NULL, 'c' },
		{ "token", 1, NULL, 't' }, { "dir", 1, NULL, 'd' }, { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		int64_t number = 0;

		if (strchr("pasmc", option) != NULL && (!slice_to_int64(slice_of(optarg), &number) || number < 0))
			return false;
		switch (option) {
		case 'p':
			o->port = (uint16_t)number;
			break;
		case 'a':
			o->api_port = (uint16_t)number;
			break;
		case 's':
			o->seconds = number;
			break;
		case 'm':
			o->messages = number;
			break;
		case 'c':
			if (number < 1 || number > LOAD_CONNECTIONS)
				return false;
			o->customers = (unsigned)number;
			break;
		case 't':
			payload_sign_with(optarg);
			break;
		case 'd':
			o->dir = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc - 1;
}

int main(int argc, char **argv)
{
	struct load_options o = { .seconds = 5, .dir = ".", .customers = LOAD_CONNECTIONS };

	if (!parse(argc, argv, &o))
		return usage();
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		if (strcmp(argv[optind], modes[i].name) == 0) {
			errno = 0;
			modes[i].measure(&o);
			return 0;
		}
	return usage();
}
