/* text.h - texts from outside made fit for the dialog, the store and a log. Pure; any thread. */
#ifndef CHAT2DESK_TEXT_H
#define CHAT2DESK_TEXT_H

#include "base/slice.h"

/* A copy of valid UTF-8 without control characters (line feed and tab stay), of at most max bytes, cut at
 * a character. */
struct slice c2d_text_clean(struct arena *arena, struct slice text, size_t max);
/* The text of what a website's chat widget sends, which may be HTML: tags go, those that end a line become
 * a line feed, the usual entities become their character. A "<" that opens no tag stays. */
struct slice c2d_text_of_html(struct arena *arena, struct slice html);

#endif
