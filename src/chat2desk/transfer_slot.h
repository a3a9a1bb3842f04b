/* transfer_slot.h - one libcurl handle and the call it is busy with; inside of transfer.c's pool.
 *
 * A slot belongs to the pool's thread. A call is made by any thread, then belongs to the pool. */
#ifndef CHAT2DESK_TRANSFER_SLOT_H
#define CHAT2DESK_TRANSFER_SLOT_H

#include "base/buf.h"
#include "chat2desk/transfer.h"

#include <curl/curl.h>

/* A request, copied whole, with the one who wants to know its end. */
struct transfer_call {
	struct transfer_call *next;
	transfer_done *done;
	void *context;
	struct curl_slist *headers;
	const char *method, *url; /* in texts */
	struct slice body;        /* in texts */
	unsigned timeout_ms;
	int64_t begin_before_ms;
	char texts[];
};

struct transfer_call *transfer_call_new(const struct transfer_request *request, transfer_done *done, void *context);
void transfer_call_free(struct transfer_call *call);
/* Tells its owner that it never began. */
void transfer_call_cancel(struct transfer_call *call);

struct transfer_slot {
	CURL *easy;
	struct transfer_call *call; /* NULL: idle */
	struct buf body;
	bool overlong;       /* the answer's body is cut at TRANSFER_BODY_MAX */
	bool connected;      /* a connection was ready for the request */
	bool late;           /* but its time was over */
	curl_off_t overhead; /* bytes that the way there took (a proxy's CONNECT), no part of the request */
	int64_t started_ms, started_us;
	char error[CURL_ERROR_SIZE];
};

void transfer_slot_open(struct transfer_slot *slot);
void transfer_slot_close(struct transfer_slot *slot);
/* Sets the handle up for the call; the pool then hands it to libcurl. */
void transfer_slot_begin(struct transfer_slot *slot, struct transfer_call *call);
/* Calls back with what came of it; the slot is idle again. */
void transfer_slot_end(struct transfer_slot *slot, CURLcode code);

#endif
