/* routes.c - the two listeners' paths. */
#include "service/routes.h"

#include "base/metrics.h"
#include "service/health_page.h"
#include "service/refusal.h"

typedef void page(const struct routes *routes, struct http_request *request);

static void name_page(const struct routes *routes, struct http_request *request)
{
	(void)routes;
	http_answer(request,
	    &(struct http_answer){ .status = 200,
		.body = SLICE("{\"name\":\"chat2order\",\"version\":\"" VERSION "\",\"status\":\"running\"}") });
}

static void health_page(const struct routes *routes, struct http_request *request)
{
	struct health_view view;
	struct buf body = { 0 };

	health_look(routes->health, &view);
	health_page_json(&view, &body);
	http_answer(request, &(struct http_answer){ .status = view.healthy ? 200 : 503,
				 .body = buf_as_slice(&body),
				 .extra_name = "Cache-Control",
				 .extra_value = "no-store" });
	buf_free(&body);
}

static void metrics_page(const struct routes *routes, struct http_request *request)
{
	struct health_view view;
	struct buf body = { 0 };

	health_look(routes->health, &view);
	metrics_render(&body);
	health_page_gauges(&view, &body);
	http_answer(request, &(struct http_answer){ .status = 200,
				 .content_type = "text/plain; version=0.0.4; charset=utf-8",
				 .body = buf_as_slice(&body) });
	buf_free(&body);
}

struct route {
	const char *path;
	page *page;
};

static const struct route public_routes[] = { { "/", name_page }, { "/health", health_page } };
static const struct route admin_routes[] = { { "/metrics", metrics_page }, { "/health", health_page } };

static void answer_page(const struct routes *routes, const struct route *list, size_t n, struct http_request *request)
{
	struct slice path = http_path(request), method = http_method(request);

	for (size_t i = 0; i < n; i++) {
		if (!slice_eq(path, slice_of(list[i].path)))
			continue;
		if (slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD")))
			list[i].page(routes, request);
		else
			refuse_method(request, "GET, HEAD");
		return;
	}
	refuse(request, REFUSAL_NOT_FOUND, "Not Found");
}

void routes_public(void *context, struct http_request *request)
{
	const struct routes *routes = context;

	if (intake_is_path(routes->intake, http_path(request)))
		intake_handle(routes->intake, request);
	else
		answer_page(routes, public_routes, COUNT_OF(public_routes), request);
}

void routes_public_caught_up(void *context)
{
	const struct routes *routes = context;

	intake_flush(routes->intake);
}

void routes_admin(void *context, struct http_request *request)
{
	answer_page(context, admin_routes, COUNT_OF(admin_routes), request);
}
