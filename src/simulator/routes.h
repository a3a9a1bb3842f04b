/* routes.h - which handler answers which path; the table is in routes.c.
 *
 * Handlers run with the simulator's lock held, do not wait, and fill in the call's reply. */
#ifndef SIMULATOR_ROUTES_H
#define SIMULATOR_ROUTES_H

#include "simulator/call.h"
#include "simulator/world.h"

typedef void sim_handler(struct simulator *sim, struct sim_call *call);

/* The listener's handler; context is the simulator. */
void sim_handle(void *context, struct http_request *request);

/* api.c: messages, clients, company */
sim_handler sim_api_send, sim_api_messages, sim_api_client, sim_api_clients, sim_api_info;
/* api_webhooks.c */
sim_handler sim_api_hook_create, sim_api_hook_list, sim_api_hook_show, sim_api_hook_change, sim_api_hook_delete;
/* control.c */
sim_handler sim_control_customer, sim_control_message, sim_control_events, sim_control_state, sim_control_faults,
    sim_control_set_faults, sim_control_clear_faults;
/* page.c */
sim_handler sim_page_html, sim_page_css, sim_page_js, sim_page_icon, sim_page_photo, sim_page_voice;

#endif
