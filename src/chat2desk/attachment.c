/* attachment.c - kinds from fields, content types and file names. */
#include "chat2desk/attachment.h"

#include <strings.h>

static const char *text_in(struct jdoc object, const char *name)
{
	const char *text = jdoc_string(jdoc_member(object, name)).p;

	return text != NULL ? text : "";
}

static enum kind kind_of_content_type(const char *type)
{
	if (strncasecmp(type, "image/", 6) == 0)
		return KIND_PHOTO;
	if (strncasecmp(type, "audio/", 6) == 0)
		return KIND_VOICE;
	if (strncasecmp(type, "video/", 6) == 0)
		return KIND_VIDEO;
	return KIND_FILE;
}

static enum kind kind_of_name(const char *name)
{
	static const struct {
		const char *ending;
		enum kind kind;
	} known[] = { { "jpg", KIND_PHOTO }, { "jpeg", KIND_PHOTO }, { "png", KIND_PHOTO }, { "gif", KIND_PHOTO },
		{ "webp", KIND_PHOTO }, { "heic", KIND_PHOTO }, { "ogg", KIND_VOICE }, { "oga", KIND_VOICE },
		{ "opus", KIND_VOICE }, { "mp3", KIND_VOICE }, { "m4a", KIND_VOICE }, { "wav", KIND_VOICE },
		{ "amr", KIND_VOICE }, { "mp4", KIND_VIDEO }, { "mov", KIND_VIDEO }, { "3gp", KIND_VIDEO },
		{ "webm", KIND_VIDEO }, { "avi", KIND_VIDEO } };
	size_t n = strcspn(name, "?#");
	size_t from = n;

	while (from > 0 && name[from - 1] != '.' && name[from - 1] != '/')
		from--;
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strlen(known[i].ending) == n - from && strncasecmp(name + from, known[i].ending, n - from) == 0)
			return known[i].kind;
	return KIND_FILE;
}

static enum kind kind_of_item(struct jdoc item)
{
	const char *type = text_in(item, "content_type");
	const char *name = text_in(item, "name");
	const char *link = text_in(item, "link");
	enum kind kind;

	if (type[0] != '\0')
		return kind_of_content_type(type);
	if (name[0] == '\0' && link[0] == '\0')
		return text_in(jdoc_member(item, "file"), "url")[0] != '\0' ? KIND_FILE : KIND_EMPTY;
	kind = kind_of_name(name);
	return kind != KIND_FILE ? kind : kind_of_name(link);
}

enum kind c2d_attachment_kind(struct jdoc message)
{
	static const struct {
		const char *field;
		enum kind kind;
	} direct[] = { { "photo", KIND_PHOTO }, { "audio", KIND_VOICE }, { "video", KIND_VIDEO },
		{ "pdf", KIND_FILE } };
	struct jdoc items = jdoc_member(message, "attachments"), item = JDOC_NONE;
	enum kind kind = KIND_EMPTY;

	for (size_t i = 0; i < COUNT_OF(direct); i++)
		if (text_in(message, direct[i].field)[0] != '\0')
			return direct[i].kind;
	if (jdoc_kind(items) == JDOC_ARRAY)
		item = jdoc_first(items);
	for (; item.document != NULL && kind == KIND_EMPTY; item = jdoc_next(items, item))
		kind = kind_of_item(item);
	return kind;
}
