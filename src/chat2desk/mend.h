/* mend.h - JSON that a strict parser refuses although its sender means well, made acceptable.
 *
 * To be used on the text of a body whose signature is verified, and only after the parser refused it.
 * Escapes of lone surrogates become U+FFFD, escapes of NUL and a leading byte order mark are dropped, and
 * numbers that a 64-bit integer or a double may not hold become strings. Everything else stays as it is,
 * so that what is no JSON remains none. Pure; any thread. */
#ifndef CHAT2DESK_MEND_H
#define CHAT2DESK_MEND_H

#include "base/buf.h"

void c2d_mend(struct slice json, struct buf *out);

#endif
