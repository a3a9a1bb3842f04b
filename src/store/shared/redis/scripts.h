/* scripts.h - the Lua scripts of src/store/shared/redis/lua, compiled in. docs/store-protocol.md, 3.
 *
 * Where the server has functions (Redis 7, Valkey) all scripts are one library, loaded once: what they define is made once, not
 * with every call, which costs more than many a script does. Elsewhere each is a script of its own for EVALSHA, with
 * common.lua before it and the libraries (lib_NAME.lua) that a line "-- with NAME" of its names. The files are the same; the line
 * "-- each call" parts what is defined from what runs. */
#ifndef STORE_SHARED_SCRIPTS_H
#define STORE_SHARED_SCRIPTS_H

#include <stddef.h>

/* X(NAME, file without .lua) */
#define SCRIPT_LIST(X)                                                                                                 \
	X(ADD, add)                                                                                                    \
	X(TAKE, take)                                                                                                  \
	X(FINISH, finish)                                                                                              \
	X(FAIL, fail)                                                                                                  \
	X(CLAIM, claim)                                                                                                \
	X(RATE, rate)                                                                                                  \
	X(SENT, sent)                                                                                                  \
	X(RECORD, record)                                                                                              \
	X(DISOWN, disown)                                                                                              \
	X(FENCE, fence)                                                                                                \
	X(VERSIONS, versions)                                                                                          \
	X(BEAT, beat)                                                                                                  \
	X(MET, met)                                                                                                    \
	X(SWEEP, sweep)                                                                                                \
	X(KEEP_IDLE, keep_idle)                                                                                        \
	X(MEND_PAUSED, mend_paused)                                                                                    \
	X(PROMOTE, promote)                                                                                            \
	X(STUCK, stuck)                                                                                                \
	X(LOST, lost)                                                                                                  \
	X(MEND_CLOCK, mend_clock)                                                                                      \
	X(COUNTS, counts)                                                                                              \
	X(DEAD_INDEX, dead_index)                                                                                      \
	X(DEAD_PAGE, dead_page)                                                                                        \
	X(DEAD_RETRY, dead_retry)                                                                                      \
	X(DEAD_REMOVE, dead_remove)                                                                                    \
	X(TAKEOVER, takeover)

/* X(name): lib_<name>.lua, in the order in which they stand */
#define SCRIPT_LIBRARY_LIST(X) X(lanes) X(dead) X(turns) X(rate) X(completed)

enum script {
#define X(name, file) SCRIPT_##name,
	SCRIPT_LIST(X)
#undef X
	    SCRIPT_COUNT
};

const char *script_name(enum script script); /* "add": for metrics and logs */
const char *script_text(enum script script); /* common.lua, its libraries and its own */
size_t script_text_length(enum script script);
const char *script_sha1(enum script script); /* 40 hex digits, as EVALSHA wants */

/* Names carry a digest of the text, so that two versions live on one server without a word. */
const char *script_function(enum script script); /* "c2o_add_<digest>", as FCALL wants */
const char *script_library(void);                /* all of them, as FUNCTION LOAD wants */
size_t script_library_length(void);
const char *script_library_name(void);  /* "chat2order_<digest>" */
#define SCRIPT_LIBRARIES "chat2order_*" /* of any version, for FUNCTION LIST */

#endif
