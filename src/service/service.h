/* service.h - listeners, intake, workers, sender and keeper over one store, in one process; or, over a shared store, a
 * process's part of it: STORE_SERVICE is all of it, STORE_INTAKE takes webhooks in, STORE_WORKER works, sends and keeps.
 *
 * settings must outlive the service. One service a process is usual, but nothing is global besides log and
 * metrics. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/settings.h"
#include "store/store.h"

struct service;

/* Opens the store and listens: from now on webhooks are taken in, by a shared store also while its servers are away, and health
 * is answered. When a part can't, those before it are stopped and why says which. */
MUST_CHECK enum err service_start(
    const struct settings *settings, enum store_role role, struct service **ret, struct why *why);
/* Waits for what the store stands on (store_wait()), then works and sends, as far as the role does. When it fails the service is
 * still to be stopped. */
MUST_CHECK enum err service_work(struct service *service, struct why *why);
/* The ports really listened on; 0 where this role has no public listener. */
uint16_t service_port(const struct service *service);
uint16_t service_admin_port(const struct service *service);
/* Takes nothing new (webhooks are answered 503), finishes the turns in hand, sends for up to DRAIN_MS what is
 * under way, closes. NULL is fine; *service is NULL afterwards. */
void service_stop(struct service **service);

#endif
