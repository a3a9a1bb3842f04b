/* settings.h - every setting once: name, default, range, unit, help. Struct, parser, manual, `config`
 * and `validate` are made from this one list.
 *
 * A value comes from the command line (--name-in-lower-case VALUE), else from the environment, else from
 * the file given by --config (lines KEY=value), else from the default; one that is empty in environment or
 * file is not set. A SECRET may also be given as NAME_FILE, the path of a file that holds it; secrets are
 * never printed. Read-only after loading: any thread may read. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/err.h"
#include "base/slice.h"

/* T: TEXT(field, NAME, default, help)   S: SECRET(field, NAME, help)
 * N: NUMBER(field, NAME, default, least, most, unit, help)
 * C: CHOICE(field, NAME, default index, "a|b|c", help) */
#define SETTINGS_LIST(T, S, N, C)                                                                                                          \
	T(api_url, "CHAT2DESK_API_URL", "https://api.chat2desk.com/v1",                                                                    \
	    "base address of your Chat2Desk installation's API")                                                                           \
	S(api_token, "CHAT2DESK_API_TOKEN",                                                                                                \
	    "the token from Chat2Desk, Settings, API; without it `run` starts the demo")                                                   \
	S(webhook_secret, "CHAT2DESK_WEBHOOK_SECRET",                                                                                      \
	    "key(s) that sign webhooks instead of the token's MD5; two, joined by a comma, while rotating")                                \
	S(path_secret, "WEBHOOK_PATH_SECRET",                                                                                              \
	    "makes the address /webhook/chat2desk/<secret>; letters, digits, - and _")                                                     \
	C(signature, "WEBHOOK_SIGNATURE", 1, "off|if-present|required", "whether a webhook must be signed")                                \
	T(public_url, "PUBLIC_URL", "", "how Chat2Desk reaches this service, as https://orders.example.com")                               \
	T(host, "HOST", "0.0.0.0", "address of the public listener (demo: 127.0.0.1)")                                                     \
	N(port, "PORT", 3000, 0, 65535, "port", "of the public listener; 0 takes a free one")                                              \
	T(admin_host, "ADMIN_HOST", "127.0.0.1", "address of the admin listener (metrics)")                                                \
	N(admin_port, "ADMIN_PORT", 3001, 0, 65535, "port", "of the admin listener; 0 takes a free one")                                   \
	T(simulator_host, "SIMULATOR_HOST", "127.0.0.1", "address of the simulated Chat2Desk")                                             \
	N(simulator_port, "SIMULATOR_PORT", 3002, 0, 65535, "port", "of the simulated Chat2Desk; 0 takes a free one")                      \
	T(data_dir, "DATA_DIR", "",                                                                                                        \
	    "folder of the embedded store; empty: $XDG_STATE_HOME/chat2order or ~/.local/state/chat2order")                                \
	S(redis_url, "REDIS_URL",                                                                                                          \
	    "Redis of the shared store, redis://[user:password@]host[:port][/database]; with DATABASE_URL it replaces the embedded store") \
	T(redis_host, "REDIS_HOST", "", "host of Redis, where REDIS_URL is not set")                                                       \
	N(redis_port, "REDIS_PORT", 6379, 1, 65535, "port", "of Redis, where REDIS_URL is not set")                                        \
	S(redis_password, "REDIS_PASSWORD", "password of Redis, where REDIS_URL names none")                                               \
	T(redis_sentinels, "REDIS_SENTINELS", "",                                                                                          \
	    "Sentinels that know the address of Redis, as host:port,host:port; then REDIS_URL's host is not used")                         \
	T(redis_master, "REDIS_MASTER", "mymaster", "name of the master that the Sentinels are asked for")                                 \
	S(database_url, "DATABASE_URL", "PostgreSQL of the shared store, postgresql://user:password@host[:port]/name")                     \
	T(database_host, "DATABASE_HOST", "", "host of PostgreSQL, where DATABASE_URL is not set")                                         \
	N(database_port, "DATABASE_PORT", 5432, 1, 65535, "port", "of PostgreSQL, where DATABASE_URL is not set")                          \
	T(database_name, "DATABASE_NAME", "", "database of PostgreSQL, where DATABASE_URL is not set")                                     \
	T(database_user, "DATABASE_USER", "", "user of PostgreSQL, where DATABASE_URL is not set")                                         \
	S(database_password, "DATABASE_PASSWORD", "password of PostgreSQL, where DATABASE_URL is not set")                                 \
	T(bull_prefix, "BULL_PREFIX", "bull",                                                                                              \
	    "prefix of the queues in Redis, as Bull has it; 1 to 64 of A-Za-z0-9_-.")                                                      \
	T(store_prefix, "STORE_PREFIX", "c2o", "prefix of chat2order's own keys in Redis; not BULL_PREFIX")                                \
	C(bull_events, "BULL_EVENTS", 0, "auto|always|off",                                                                                \
	    "whether Bull's events are published; auto: while somebody listens")                                                           \
	N(keep_completed, "KEEP_COMPLETED", 0, 0, 1000000, "jobs",                                                                         \
	    "completed jobs of each queue that are kept for boards")                                                                       \
	N(spool_max_mb, "SPOOL_MAX_MB", 256, 1, 1048576, "MiB",                                                                            \
	    "of messages kept in DATA_DIR/spool while Redis is away")                                                                      \
	T(predecessor_zone, "PREDECESSOR_TIMEZONE", "",                                                                                    \
	    "zone of the times in the predecessor's tables; empty: the database's own")                                                    \
	N(take_over_replies_h, "TAKE_OVER_REPLIES_H", 72, 0, 8760, "h",                                                                    \
	    "age of the predecessor's unsent replies beyond which they become dead letters; 0: all are sent")                              \
	T(dialog, "DIALOG", "", "form file of the dialog; empty: the built-in form")                                                       \
	N(worker_concurrency, "WORKER_CONCURRENCY", 5, 1, 1000, "turns", "that this process holds at once")                                \
	N(turn_attempts, "TURN_ATTEMPTS", 3, 1, 20, "attempts", "of a turn before its message is a dead letter")                           \
	N(turn_backoff_ms, "TURN_BACKOFF_MS", 2000, 1, 600000, "ms", "before the second attempt, doubling")                                \
	N(lease_ms, "LEASE_MS", 10000, 1000, 60000, "ms", "that a turn or a reply is held without a sign of life")                         \
	N(dedup_days, "DEDUP_DAYS", 7, 1, 365, "days", "that a message id is remembered")                                                  \
	N(dialog_ttl_s, "DIALOG_TTL_S", 86400, 1, 31536000, "s", "of silence after which a dialog is closed")                              \
	N(log_days, "MESSAGE_LOG_DAYS", 400, 1, 3650, "days", "that message_logs are kept (at least DEDUP_DAYS)")                          \
	N(disk_reserve_mb, "DISK_RESERVE_MB", 64, 0, 1048576, "MiB",                                                                       \
	    "of free disk below which webhooks are answered 503, so that running dialogs can finish")                                      \
	N(store_max_mb, "STORE_MAX_MB", 0, 0, 1048576, "MiB", "largest size of the database file; 0: no limit")                            \
	C(message_type, "MESSAGE_TYPE", 0, "to_client|autoreply", "type of a sent message")                                                \
	N(rate_limit, "CHAT2DESK_RATE_LIMIT", 300, 0, 1000000, "calls/min",                                                                \
	    "of the API, over all senders; 0: no limit")                                                                                   \
	N(send_timeout_ms, "SEND_TIMEOUT_MS", 10000, 100, 120000, "ms", "for one call of the API")                                         \
	N(send_concurrency, "SEND_CONCURRENCY", 64, 1, 256, "calls", "of the API under way at once")                                       \
	N(send_attempts, "SEND_ATTEMPTS", 50, 1, 1000, "attempts", "of a reply before it is a dead letter")                                \
	N(body_max, "WEBHOOK_BODY_MAX", 262144, 1024, 16777216, "bytes", "of a webhook's body, else 413")                                  \
	N(connections_max, "HTTP_CONNECTIONS", 4096, 16, 100000, "connections", "on the public listener at once")                          \
	N(http_timeout_ms, "HTTP_TIMEOUT_MS", 10000, 100, 600000, "ms",                                                                    \
	    "for a request to arrive whole, and for an idle connection")                                                                   \
	N(store_timeout_ms, "STORE_TIMEOUT_MS", 4000, 100, 60000, "ms", "to store a webhook, else 503")                                    \
	N(drain_ms, "DRAIN_MS", 20000, 0, 600000, "ms", "to finish what is under way at a stop")                                           \
	C(log_level, "LOG_LEVEL", 1, "debug|info|warn|error", "least level that is logged")                                                \
	C(log_format, "LOG_FORMAT", 0, "auto|text|json", "auto: text on a terminal, else JSON")                                            \
	C(log_customer_data, "LOG_CUSTOMER_DATA", 0, "masked|plain", "texts and phones of customers in the log")

enum { BULL_EVENTS_AUTO, BULL_EVENTS_ALWAYS, BULL_EVENTS_OFF };
enum { SIGNATURE_OFF, SIGNATURE_IF_PRESENT, SIGNATURE_REQUIRED };
enum { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct settings {
#define T(field, name, standard, help) const char *field;
#define S(field, name, help) const char *field;
#define N(field, name, standard, least, most, unit, help) int64_t field;
#define C(field, name, standard, choices, help) int field;
	SETTINGS_LIST(T, S, N, C)
#undef T
#undef S
#undef N
#undef C
	int64_t hung_ms;    /* set by tests alone: when the worker of a turn counts as hung; 0: STORE_HUNG_MS */
	struct arena texts; /* owns every text above that is no literal */
};

/* One row of the list, for help, manual, `config` and `validate`. */
enum setting_kind { SETTING_TEXT, SETTING_SECRET, SETTING_NUMBER, SETTING_CHOICE };
struct setting {
	enum setting_kind kind;
	const char *name; /* "WORKER_CONCURRENCY" */
	const char *help;
	const char *unit;     /* NUMBER only */
	const char *choices;  /* CHOICE only: "a|b|c" */
	const char *standard; /* the default, as text */
	int64_t least, most;  /* NUMBER only */
	size_t offset;        /* of the field in struct settings */
};

/* Redis or PostgreSQL is named: the shared store is meant (both are needed). */
bool settings_name_redis(const struct settings *s);
bool settings_name_postgres(const struct settings *s);

size_t setting_count(void);
const struct setting *setting_at(size_t i);
/* The row with this name ("PORT") or option ("--worker-concurrency", "worker-concurrency"), else NULL;
 * a secret's row is found by its NAME_FILE, too. */
const struct setting *setting_find(struct slice name_or_option);
/* Where a value came from, for `config`: "default", "environment", "file FILE line 3", "command line". */
struct settings_source {
	char text[96];
};

/* Fills *s from all sources. overrides: option, value, option, value, ... from the command line, in order,
 * n_overrides texts in all; the last of equal options counts.
 * On failure why names the setting, its line where it has one, the range and the cure; *s is then unset.
 * sources: NULL, or an array of setting_count() to fill. */
MUST_CHECK enum err settings_load(struct settings *s, const char *config_file, const char *const *overrides,
    size_t n_overrides, struct settings_source *sources, struct why *why);
void settings_defaults(struct settings *s); /* all defaults: for tests */
void settings_free(struct settings *s);
/* A setting's value as text into out; a secret shows as "(set)" or "(not set)". */
struct buf;
void setting_show(const struct settings *s, const struct setting *row, struct buf *out);

#endif
