/* phone_lib.h - the little of libphonenumber that the dialog needs, for C. No exception leaves it.
 * Any thread. */
#ifndef DIALOG_PHONE_LIB_H
#define DIALOG_PHONE_LIB_H

#ifdef __cplusplus
extern "C" {
#else
#include <stdbool.h>
#endif

enum { PHONE_SIZE = 17 }; /* of E.164: +, at most 15 digits, NUL; what is longer is no number */

enum phone_verdict {
	PHONE_NONE,
	PHONE_POSSIBLE, /* its length fits, the packaged number plan doesn't know it */
	PHONE_VALID
};

/* number: ASCII digits with + ( ) - . and blanks. region: two capital letters for a national number, "ZZ"
 * for international ones only. e164 is set unless PHONE_NONE. */
enum phone_verdict phone_lib_check(const char *number, const char *region, char e164[PHONE_SIZE]);
bool phone_lib_knows_region(const char *region);
/* A mobile number of the region as people write it, "+996 700 123 456"; false when there is none. */
bool phone_lib_example(const char *region, char *example, unsigned long size);

#ifdef __cplusplus
}
#endif

#endif
