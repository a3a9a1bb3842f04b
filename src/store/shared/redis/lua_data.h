/* lua_data.h - src/store/shared/redis/lua/ as src/base/embed.c writes it; for scripts.c only. */
#ifndef STORE_SHARED_LUA_DATA_H
#define STORE_SHARED_LUA_DATA_H

#include "store/shared/redis/scripts.h"

extern const char lua_common[];
extern const size_t lua_common_size;
#define X(name, file)                                                                                                  \
	extern const char lua_##file[];                                                                                \
	extern const size_t lua_##file##_size;
SCRIPT_LIST(X)
#undef X
#define X(name)                                                                                                        \
	extern const char lua_lib_##name[];                                                                            \
	extern const size_t lua_lib_##name##_size;
SCRIPT_LIBRARY_LIST(X)
#undef X

#endif
