/* health_page.h - health as JSON for probes and as Prometheus gauges. Pure; any thread. */
#ifndef SERVICE_HEALTH_PAGE_H
#define SERVICE_HEALTH_PAGE_H

#include "base/buf.h"
#include "service/health.h"

void health_page_json(const struct health_view *view, struct buf *out);
/* The store's queue sizes and every check, text format 0.0.4. */
void health_page_gauges(const struct health_view *view, struct buf *out);

#endif
