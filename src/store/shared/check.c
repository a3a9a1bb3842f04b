/* check.c - the settings of both servers, before anything is opened. */
#include "store/shared/pg/connect.h"
#include "store/shared/redis/redis.h"

enum err shared_check_settings(const struct settings *settings, struct why *why)
{
	enum err err = redis_check_settings(settings, why);

	return err == ERR_OK ? pg_connect_check(settings, why) : err;
}
