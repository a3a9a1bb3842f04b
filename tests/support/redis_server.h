/* redis_server.h - a redis-server of a test's own, on a free port of 127.0.0.1, with a temporary folder.
 *
 * It ends with the thread that started it, too. REDIS_SERVER names another program (valkey-server). Aborts with a
 * sentence when the server can't be started; tests have nothing to go on with then. One thread at a time. */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <stdint.h>

struct redis_server;

/* Started with append-only file, fsynced each second, no snapshots; options: NULL, or further ones of redis-server, that
 * override these, ended by NULL: { "--appendfsync", "always", NULL }; their texts outlive the server. Answers PING when this
 * returns. */
struct redis_server *redis_server_start(const char *const *options);
uint16_t redis_server_port(const struct redis_server *server);
const char *redis_server_url(const struct redis_server *server);    /* redis://127.0.0.1:port */
const char *redis_server_folder(const struct redis_server *server); /* with redis.log */
void redis_server_kill(struct redis_server *server);                /* SIGKILL, and waited for */
void redis_server_restart(struct redis_server *server);             /* after a kill: same port, folder and options */
void redis_server_freeze(struct redis_server *server);              /* SIGSTOP: connections stay, nothing answers */
void redis_server_thaw(struct redis_server *server);
/* A Sentinel that watches this one as "mymaster", and its replicas: fails over when it was silent for half a second. */
struct redis_server *redis_server_start_sentinel(const struct redis_server *watched);
/* Ends it and removes its folder; *server is NULL afterwards, NULL is fine. */
void redis_server_end(struct redis_server **server);

#endif
