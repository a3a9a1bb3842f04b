/* version.c - `version`: of the program and of the libraries it runs with. */
#include "base/jdoc.h"
#include "command/commands.h"
#include "command/jsonout.h"
#include "command/options.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>

int command_version(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "version",
		.about = "Prints the version of the program; with --json also of the libraries it runs with.\n",
		.json = true,
		.examples = "chat2order version\nchat2order version --json\n",
	};
	char simdjson[JDOC_VERSION_SIZE];
	struct options o;
	int code = options_parse(&o, &help, argc, argv);

	if (code != OPTIONS_GO_ON)
		return code;
	jdoc_library_version(simdjson);
	if (o.json)
		json_print(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "chat2order", VERSION, "sqlite",
		    sqlite3_libversion(), "libcurl", curl_version_info(CURLVERSION_NOW)->version, "libmicrohttpd",
		    MHD_get_version(), "jansson", jansson_version_str(), "simdjson", simdjson, "openssl",
		    OpenSSL_version(OPENSSL_VERSION_STRING)));
	else
		(void)puts("chat2order " VERSION);
	options_free(&o);
	return EXIT_DONE;
}
