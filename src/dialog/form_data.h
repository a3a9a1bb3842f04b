/* form_data.h - what a loaded form is made of: for the files of this room only. Read-only after loading. */
#ifndef DIALOG_FORM_DATA_H
#define DIALOG_FORM_DATA_H

#include "dialog/dialog.h"
#include "dialog/words.h"

/* Every text a form gives per language: its key and the placeholders it may hold. */
#define FORM_TEXT_LIST(X)                                                                                              \
	X(GREETING, "greeting", "")                                                                                    \
	X(RESTARTED, "restarted", "")                                                                                  \
	X(RESUMED, "resumed", "")                                                                                      \
	X(EARLY, "early", "")                                                                                          \
	X(SUMMARY, "summary", "fields")                                                                                \
	X(SUMMARY_LINE, "summary_line", "number label value")                                                          \
	X(CONFIRM, "confirm", "")                                                                                      \
	X(CONFIRM_HINT_1, "confirm_hint_1", "")                                                                        \
	X(CONFIRM_HINT_2, "confirm_hint_2", "")                                                                        \
	X(CHANGE_WHICH, "change_which", "")                                                                            \
	X(OPTION_LINE, "option_line", "number option")                                                                 \
	X(WAY_OUT, "way_out", "")                                                                                      \
	X(PLACED, "placed", "order")                                                                                   \
	X(CANCELLED, "cancelled", "")                                                                                  \
	X(NOTHING_TO_CANCEL, "nothing_to_cancel", "")                                                                  \
	X(HELP, "help", "")                                                                                            \
	X(OPERATOR, "operator", "")                                                                                    \
	X(THANKS, "thanks", "")                                                                                        \
	X(NO_ORDER, "no_order", "")                                                                                    \
	X(AFTER, "after", "order")                                                                                     \
	X(AFTER_HINT, "after_hint", "order")                                                                           \
	X(ALREADY_PLACED, "already_placed", "order")                                                                   \
	X(CHANGE_AFTER, "change_after", "order")                                                                       \
	X(CHANGE_NOTED, "change_noted", "order")                                                                       \
	X(STATUS_NEW, "status_new", "order")                                                                           \
	X(STATUS_PROCESSING, "status_processing", "order")                                                             \
	X(STATUS_COMPLETED, "status_completed", "order")                                                               \
	X(STATUS_CANCELLED, "status_cancelled", "order")                                                               \
	X(PHOTO, "photo", "")                                                                                          \
	X(VOICE, "voice", "")                                                                                          \
	X(VIDEO, "video", "")                                                                                          \
	X(FILE, "file", "")                                                                                            \
	X(LOCATION, "location", "")                                                                                    \
	X(EMPTY, "empty", "")                                                                                          \
	X(LOCATION_ADDRESS, "location_address", "coordinates")                                                         \
	X(TOO_SHORT, "too_short", "count min max")                                                                     \
	X(TOO_LONG, "too_long", "count min max")                                                                       \
	X(NO_NUMBER, "no_number", "text min max")                                                                      \
	X(SEVERAL_NUMBERS, "several_numbers", "text min max")                                                          \
	X(NOT_WHOLE, "not_whole", "text min max")                                                                      \
	X(OUT_OF_RANGE, "out_of_range", "text min max")                                                                \
	X(NO_PHONE, "no_phone", "text example")                                                                        \
	X(PHONE_DOUBT, "phone_doubt", "value")                                                                         \
	X(PHONE_GUESS, "phone_guess", "value")                                                                         \
	X(NO_OPTION, "no_option", "text")                                                                              \
	X(NOT_AN_ANSWER, "not_an_answer", "text")

enum form_text {
#define X(name, key, placeholders) TEXT_##name,
	FORM_TEXT_LIST(X)
#undef X
	    TEXT_COUNT
};

#define FIELD_TYPE_LIST(X)                                                                                             \
	X(TEXT, "text")                                                                                                \
	X(PHONE, "phone")                                                                                              \
	X(INTEGER, "integer")                                                                                          \
	X(CHOICE, "choice")

enum field_type {
#define X(name, key) FIELD_##name,
	FIELD_TYPE_LIST(X)
#undef X
	    FIELD_TYPE_COUNT
};

enum {
	FORM_LANGUAGES_MAX = 16,
	FORM_OPTIONS_MAX = 20,
	FORM_REGIONS_MAX = 10,
	FORM_REPLY_MAX = 4096, /* Unicode characters of one message in every messenger we know */
	FORM_REPLY_LEAST = 500,
	FORM_QUANTITY_MAX = 50, /* what the table of orders takes */
	FORM_NUMBER_MAX = 1000000000,
	FORM_HINTS = 2
};

struct form_field {
	struct slice name;
	const char *state; /* "WAITING_ADDRESS" */
	enum field_type type;
	int64_t min, max; /* text: characters as a person sees them; integer: the number */
	struct slice example;
	const char *regions[FORM_REGIONS_MAX]; /* phone */
	size_t n_regions;
	struct words units;                    /* integer */
	struct slice option[FORM_OPTIONS_MAX]; /* choice: what is stored */
	size_t n_options;
	struct words option_words; /* their meaning is the option's index */
};

struct form_field_texts {
	struct slice label, ask, offer, hint[FORM_HINTS]; /* offer: empty when a known value is not offered */
	struct slice option[FORM_OPTIONS_MAX];
};

struct form_language {
	struct slice code;
	struct slice text[TEXT_COUNT];
	struct form_field_texts field[DIALOG_FIELDS_MAX];
};

struct dialog_form {
	struct arena arena;
	const char *name, *version;
	size_t standard; /* index of the language used without a better one */
	int64_t reply_max;
	size_t characters_a_grapheme; /* most Unicode characters a seen one may have on average, so that replies fit */
	struct form_field field[DIALOG_FIELDS_MAX];
	size_t n_fields, address, phone, quantity; /* the last three: indexes of the fields every order has */
	struct form_language *language[FORM_LANGUAGES_MAX];
	size_t n_languages;
	struct words meanings;    /* of enum meaning */
	struct words numbers;     /* number words */
	struct words field_names; /* names and labels; their meaning is the field's index */
};

/* The built-in form's bytes, made from dialogs/order.yaml at build time. */
extern const char form_builtin[];
extern const size_t form_builtin_size;

/* The key of a text, "greeting". */
const char *form_text_key(enum form_text t);

#endif
