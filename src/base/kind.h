/* kind.h - what kind of thing a customer sent, the same word in webhook, dialog, store and log. */
#ifndef BASE_KIND_H
#define BASE_KIND_H

#define KIND_LIST(X)                                                                                                   \
	X(TEXT, "text")                                                                                                \
	X(PHOTO, "photo")                                                                                              \
	X(VOICE, "voice")                                                                                              \
	X(VIDEO, "video")                                                                                              \
	X(FILE, "file")                                                                                                \
	X(LOCATION, "location")                                                                                        \
	X(EMPTY, "empty") /* neither text nor anything we know: a sticker, a contact, a reaction */

enum kind {
#define X(name, text) KIND_##name,
	KIND_LIST(X)
#undef X
	    KIND_COUNT
};

static inline const char *kind_name(enum kind k)
{
	static const char *const names[KIND_COUNT] = {
#define X(name, text) [KIND_##name] = text,
		KIND_LIST(X)
#undef X
	};
	return names[k];
}

#endif
