/* postgres_server.c - initdb, postgres and signals. */
#include "postgres_server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 512, FAMILY_MAX = 256, START_TRIES = 1200, START_STEP_MS = 25, PORT_TRIES = 5 };

struct postgres_server {
	char folder[PATH_SIZE - 64]; /* holds data/, the socket and log */
	uint16_t port;
	bool fsync;
	pid_t pid; /* 0 while it is stopped */
	pid_t starter;
	struct postgres_server *next;
};

static struct postgres_server *servers;

static void give_up(const char *what, const char *detail)
{
	fprintf(stderr, "postgres server: %s: %s\n", what, detail);
	abort();
}

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) != 0)
		;
}

/* The path of one of PostgreSQL's programs; only its name where the PATH must do. */
static const char *program(const char *name, char path[PATH_SIZE])
{
	const char *folder = getenv("POSTGRES_BIN");
	glob_t found;

	(void)snprintf(path, PATH_SIZE, "%s", name);
	if (folder != NULL) {
		(void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
		return path;
	}
	if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0) {
		const char *last = found.gl_pathv[found.gl_pathc - 1];

		(void)snprintf(path, PATH_SIZE, "%.*s/%s", (int)(strrchr(last, '/') - last), last, name);
	}
	globfree(&found);
	return path;
}

/* PostgreSQL refuses to run as root. NULL: it may run as whoever we are. */
static const struct passwd *server_user(void)
{
	const struct passwd *user;

	if (geteuid() != 0)
		return NULL;
	user = getpwnam("postgres");
	return user != NULL ? user : getpwnam("nobody");
}

static void become(const struct passwd *user)
{
	if (user != NULL && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
		give_up(user->pw_name, strerror(errno));
}

/* In the child: the server's user, its folder, its log; it ends (signal) when the starter does. */
static void prepare_child(const struct postgres_server *s, int at_our_death)
{
	char log[PATH_SIZE];

	become(server_user());
	(void)prctl(PR_SET_PDEATHSIG, at_our_death);
	(void)snprintf(log, sizeof log, "%s/log", s->folder);
	if (chdir(s->folder) != 0 || freopen(log, "ae", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0 ||
	    freopen("/dev/null", "re", stdin) == NULL)
		give_up(log, strerror(errno));
}

static void show_log(const struct postgres_server *s)
{
	char path[PATH_SIZE], line[PATH_SIZE];
	FILE *log;

	(void)snprintf(path, sizeof path, "%s/log", s->folder);
	log = fopen(path, "re");
	while (log != NULL && fgets(line, sizeof line, log) != NULL)
		fputs(line, stderr);
	if (log != NULL)
		(void)fclose(log);
}

static pid_t fork_or_give_up(void)
{
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (child < 0)
		give_up("fork", strerror(errno));
	return child;
}

static void init_data(const struct postgres_server *s)
{
	char path[PATH_SIZE];
	int status = 0;
	pid_t child = fork_or_give_up();

	if (child == 0) {
		prepare_child(s, SIGKILL);
		(void)execlp(program("initdb", path), "initdb", "--pgdata=data", "--username=chat2order",
		    "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
		    (char *)NULL);
		give_up(path, strerror(errno));
	}
	if (waitpid(child, &status, 0) != child || status != 0) {
		show_log(s);
		give_up("initdb", "failed");
	}
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		give_up("a free port", strerror(errno));
	(void)close(fd);
	return ntohs(at.sin_port);
}

static void launch(struct postgres_server *s)
{
	char path[PATH_SIZE], port[32], socket_folder[PATH_SIZE];

	s->pid = fork_or_give_up();
	if (s->pid != 0)
		return;
	prepare_child(s, SIGQUIT);
	(void)snprintf(port, sizeof port, "--port=%u", s->port);
	(void)snprintf(socket_folder, sizeof socket_folder, "--unix_socket_directories=%s", s->folder);
	(void)execlp(program("postgres", path), "postgres", "-D", "data", port, socket_folder,
	    "--listen_addresses=127.0.0.1", s->fsync ? "--fsync=on" : "--fsync=off", "--shared_buffers=64MB",
	    "--max_connections=200", "--log_checkpoints=off", (char *)NULL);
	give_up(path, strerror(errno));
}

static PGconn *connect_to(const struct postgres_server *s, const char *database)
{
	char url[POSTGRES_URL_SIZE];

	return PQconnectdb(postgres_url(s, database, url));
}

static bool has_ended(struct postgres_server *s)
{
	if (waitpid(s->pid, NULL, WNOHANG) != s->pid)
		return false;
	s->pid = 0;
	return true;
}

/* False: the server has ended instead. */
static bool answers(struct postgres_server *s)
{
	for (int i = 0; i < START_TRIES && !has_ended(s); i++) {
		PGconn *c = connect_to(s, "postgres");
		bool up = PQstatus(c) == CONNECTION_OK;

		PQfinish(c);
		if (up)
			return true;
		pause_ms(START_STEP_MS);
	}
	if (s->pid != 0)
		give_up(s->folder, "does not answer");
	return false;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void stop_all(void)
{
	struct postgres_server *s, *next;

	for (s = servers; s != NULL; s = next) {
		next = s->next;
		if (s->starter == getpid())
			postgres_stop(&s);
	}
}

static struct postgres_server *new_server(bool fsync)
{
	const struct passwd *user = server_user();
	struct postgres_server *s = mem_alloc(sizeof *s);
	const char *tmp = getenv("TMPDIR");

	if (servers == NULL)
		(void)atexit(stop_all);
	*s = (struct postgres_server){ .fsync = fsync, .starter = getpid(), .next = servers };
	servers = s;
	(void)snprintf(s->folder, sizeof s->folder, "%s/postgres-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s->folder) == NULL || (user != NULL && chown(s->folder, user->pw_uid, user->pw_gid) != 0))
		give_up(s->folder, strerror(errno));
	return s;
}

struct postgres_server *postgres_start(bool fsync)
{
	struct postgres_server *s = new_server(fsync);

	init_data(s);
	for (int i = 0; i < PORT_TRIES; i++) {
		s->port = free_port();
		launch(s);
		if (answers(s))
			return s;
	}
	show_log(s);
	give_up(s->folder, "does not start");
	return NULL;
}

uint16_t postgres_port(const struct postgres_server *s)
{
	return s->port;
}

const char *postgres_socket_folder(const struct postgres_server *s)
{
	return s->folder;
}

const char *postgres_url(const struct postgres_server *s, const char *database, char url[POSTGRES_URL_SIZE])
{
	(void)snprintf(url, POSTGRES_URL_SIZE, "postgresql://chat2order@127.0.0.1:%u/%s", s->port, database);
	return url;
}

void postgres_run(const struct postgres_server *s, const char *database, const char *sql)
{
	PGconn *c = connect_to(s, database);
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		give_up(sql, PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
}

void postgres_create_database(const struct postgres_server *s, const char *name)
{
	char sql[PATH_SIZE];

	(void)snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\"", name);
	postgres_run(s, "postgres", sql);
}

void postgres_drop_database(const struct postgres_server *s, const char *name)
{
	char sql[PATH_SIZE];

	(void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
	postgres_run(s, "postgres", sql);
}

/* The server's first process and all that it has forked; how many. */
static size_t family(const struct postgres_server *s, pid_t pids[FAMILY_MAX])
{
	char path[64];
	size_t n = 0;
	FILE *children;

	pids[n++] = s->pid;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)s->pid, (int)s->pid);
	children = fopen(path, "re");
	if (children == NULL)
		give_up(path, strerror(errno));
	while (n < FAMILY_MAX && fscanf(children, "%d", &pids[n]) == 1)
		n++;
	(void)fclose(children);
	return n;
}

/* Its first process first, so that it makes no new ones meanwhile. */
static void signal_family(const struct postgres_server *s, int signal)
{
	pid_t pids[FAMILY_MAX];
	size_t n;

	(void)kill(s->pid, signal == SIGCONT ? SIGCONT : SIGSTOP);
	n = family(s, pids);
	for (size_t i = n; i-- > 0;)
		(void)kill(pids[i], signal);
}

static void wait_for_end(struct postgres_server *s)
{
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void postgres_halt(struct postgres_server *s)
{
	(void)kill(s->pid, SIGINT);
	wait_for_end(s);
}

void postgres_kill(struct postgres_server *s)
{
	signal_family(s, SIGKILL);
	wait_for_end(s);
}

void postgres_freeze(struct postgres_server *s)
{
	signal_family(s, SIGSTOP);
}

void postgres_thaw(struct postgres_server *s)
{
	signal_family(s, SIGCONT);
}

void postgres_restart(struct postgres_server *s)
{
	for (int i = 0; i < START_TRIES; i++) {
		launch(s);
		if (answers(s))
			return;
		pause_ms(START_STEP_MS); /* a killed one's last process may still be there */
	}
	show_log(s);
	give_up(s->folder, "does not start again");
}

void postgres_stop(struct postgres_server **server)
{
	struct postgres_server *s = *server, **at = &servers;

	if (s == NULL)
		return;
	if (s->pid != 0)
		postgres_kill(s);
	(void)nftw(s->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free(s);
	*server = NULL;
}
