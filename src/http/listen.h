/* listen.h - the listening socket of a server, made with messages that say what to do. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/err.h"

#include <stdint.h>

/* A listening TCP socket on a numeric address; port 0: a free one. */
MUST_CHECK enum err listen_socket(const char *host, uint16_t port, int *ret_fd, struct why *why);
/* The port a socket is bound to. */
uint16_t listen_port(int fd);
/* Raises this process's limit of open files to at least n where the system allows it. */
void listen_allow_files(unsigned n);

#endif
