/* redis_server.c - a child process, and the wait for its first PONG. */
#include "redis_server.h"

#include "base/clock.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 20000, TRIES = 5, WORDS_MAX = 64 };

struct redis_server {
	pid_t pid; /* 0: not running */
	uint16_t port;
	char folder[256], url[64];
	const char *const *options;
	uint16_t watched_port; /* of a Sentinel */
	int is_sentinel;
};

static void give_up(const char *what)
{
	fprintf(stderr, "redis server: %s: %s\n", what, strerror(errno));
	abort();
}

static struct sockaddr_in local(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
}

static uint16_t free_port(void)
{
	struct sockaddr_in address = local(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		give_up("no free port");
	(void)close(fd);
	return ntohs(address.sin_port);
}

/* NULL-terminated. A Sentinel takes all from its file, which it writes to. */
static void compose(const struct redis_server *r, const char *port, const char *words[WORDS_MAX])
{
	const char *program = getenv("REDIS_SERVER");
	const char *const standard[] = { "--port", port, "--bind", "127.0.0.1", "--dir", r->folder, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", NULL };
	const char *const sentinel[] = { "sentinel.conf", "--sentinel", NULL };
	size_t n = 0;

	words[n++] = program != NULL ? program : "redis-server";
	for (const char *const *w = r->is_sentinel ? sentinel : standard; *w != NULL; w++)
		words[n++] = *w;
	for (const char *const *w = r->options; w != NULL && *w != NULL && n < WORDS_MAX - 1; w++)
		words[n++] = *w;
	words[n] = NULL;
}

static void run_server(const struct redis_server *r, pid_t parent)
{
	const char *words[WORDS_MAX];
	char port[8];
	int log;

	(void)snprintf(port, sizeof port, "%u", (unsigned)r->port);
	compose(r, port, words);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || chdir(r->folder) != 0 ||
	    (log = open("redis.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0 || dup2(log, 1) < 0 ||
	    dup2(log, 2) < 0)
		_exit(127);
	(void)execvp(words[0], (char *const *)words);
	_exit(127);
}

static int answers_ping(const struct redis_server *r)
{
	struct sockaddr_in address = local(r->port);
	struct timeval patience = { .tv_sec = 1 };
	char answer[64] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		give_up("no socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
		(void)recv(fd, answer, sizeof answer - 1, 0);
	(void)close(fd);
	/* one that asks for a password is there, too */
	return strncmp(answer, "+PONG", 5) == 0 || strncmp(answer, "-NOAUTH", 7) == 0;
}

static int has_ended(struct redis_server *r)
{
	if (waitpid(r->pid, NULL, WNOHANG) != r->pid)
		return 0;
	r->pid = 0;
	return 1;
}

/* 0: it ended at once, as when somebody else took the port meanwhile. */
static int start(struct redis_server *r)
{
	pid_t parent = getpid();
	int64_t until = clock_mono_ms() + START_MS;

	(void)snprintf(r->url, sizeof r->url, "redis://127.0.0.1:%u", (unsigned)r->port);
	r->pid = fork();
	if (r->pid < 0)
		give_up("fork");
	if (r->pid == 0)
		run_server(r, parent);
	while (!answers_ping(r)) {
		if (has_ended(r))
			return 0;
		if (clock_mono_ms() > until)
			give_up("no PONG");
		(void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return 1;
}

static struct redis_server *with_folder(void)
{
	struct redis_server *r = mem_alloc(sizeof *r);
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(r->folder, sizeof r->folder, "%s/redis-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(r->folder) == NULL)
		give_up(r->folder);
	return r;
}

static void write_sentinel_file(const struct redis_server *r)
{
	char path[300];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/sentinel.conf", r->folder);
	f = fopen(path, "w");
	if (f == NULL)
		give_up(path);
	(void)fprintf(f,
	    "port %u\nbind 127.0.0.1\ndir %s\nsentinel monitor mymaster 127.0.0.1 %u 1\n"
	    "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n",
	    (unsigned)r->port, r->folder, (unsigned)r->watched_port);
	if (fclose(f) != 0)
		give_up(path);
}

static struct redis_server *start_somewhere(struct redis_server *r)
{
	for (int i = 0; i < TRIES; i++) {
		r->port = free_port();
		if (r->is_sentinel)
			write_sentinel_file(r);
		if (start(r))
			return r;
	}
	give_up("redis-server does not start; is it installed?");
	return NULL;
}

struct redis_server *redis_server_start(const char *const *options)
{
	struct redis_server *r = with_folder();

	r->options = options;
	return start_somewhere(r);
}

struct redis_server *redis_server_start_sentinel(const struct redis_server *watched)
{
	struct redis_server *r = with_folder();

	r->is_sentinel = 1;
	r->watched_port = watched->port;
	return start_somewhere(r);
}

uint16_t redis_server_port(const struct redis_server *server)
{
	return server->port;
}

const char *redis_server_url(const struct redis_server *server)
{
	return server->url;
}

const char *redis_server_folder(const struct redis_server *server)
{
	return server->folder;
}

void redis_server_kill(struct redis_server *server)
{
	if (server->pid == 0)
		return;
	(void)kill(server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void redis_server_restart(struct redis_server *server)
{
	for (int i = 0; i < TRIES; i++)
		if (start(server))
			return;
	give_up("redis-server does not start again");
}

void redis_server_freeze(struct redis_server *server)
{
	(void)kill(server->pid, SIGSTOP);
}

void redis_server_thaw(struct redis_server *server)
{
	(void)kill(server->pid, SIGCONT);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void redis_server_end(struct redis_server **server)
{
	if (*server == NULL)
		return;
	redis_server_kill(*server);
	(void)nftw((*server)->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*server);
	*server = NULL;
}
