/* postgres_server.h - a PostgreSQL of a test's own: in a temporary folder, on a free port of 127.0.0.1 and a socket
 * in its folder.
 *
 * Started by root it runs as "postgres", or as "nobody" where there is no such user. It dies with the thread
 * that started it, and an orderly exit of the starting process stops it and removes its folder. Programs are looked for in
 * $POSTGRES_BIN, then in /usr/lib/postgresql (the highest version), then in the PATH. Everything aborts with a message
 * where it can't be done. One thread at a time. */
#ifndef TESTS_POSTGRES_SERVER_H
#define TESTS_POSTGRES_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct postgres_server;

enum { POSTGRES_URL_SIZE = 256 };

/* fsync: as a shop has it; without it a test is quicker. */
struct postgres_server *postgres_start(bool fsync);
uint16_t postgres_port(const struct postgres_server *server);
const char *postgres_socket_folder(const struct postgres_server *server);
/* postgresql://chat2order@127.0.0.1:PORT/DATABASE into url; returns url. The user may do everything. */
const char *postgres_url(const struct postgres_server *server, const char *database, char url[POSTGRES_URL_SIZE]);

void postgres_create_database(const struct postgres_server *server, const char *name);
void postgres_drop_database(const struct postgres_server *server, const char *name); /* though others are connected */
/* Statements, several divided by semicolons, in that database. */
void postgres_run(const struct postgres_server *server, const char *database, const char *sql);

void postgres_halt(struct postgres_server *server); /* an orderly stop; its clients are cut off */
void postgres_kill(struct postgres_server *server); /* SIGKILL to all its processes */
void postgres_freeze(
    struct postgres_server *server); /* SIGSTOP to all its processes: answers nothing, keeps connections */
void postgres_thaw(struct postgres_server *server);
void postgres_restart(struct postgres_server *server); /* after a halt or a kill: same port, same data; waits for it */
void postgres_stop(struct postgres_server **server);   /* for good, with its folder; *server is NULL afterwards */

#endif
