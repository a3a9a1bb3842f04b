/* constant.c - what the HTTP library reaches with a constant answer: the set-up of src/http/server.c, bare. */
#include "child.h"
#include "load.h"
#include "wire.h"

#include <microhttpd.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 8 * 1024 };

static struct MHD_Response *answer;

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **request)
{
	if (*request == NULL) {
		*request = answer;
		return MHD_YES;
	}
	if (*n > 0) {
		*n = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, answer);
}

static void serve_until_killed(int listener)
{
	static char body[] = "{\"success\":true}";

	answer = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	if (MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, serve, NULL, MHD_OPTION_LISTEN_SOCKET,
		listener, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
		1, MHD_OPTION_END) == NULL)
		wire_die("libmicrohttpd does not start");
	for (;;)
		pause();
}

uint16_t constant_start(void)
{
	uint16_t port = 0;
	int listener = wire_listen(&port);

	if (child_start() == 0)
		serve_until_killed(listener);
	close(listener);
	return port;
}
