/* attachment.h - what kind of thing a webhook's attachments are. Pure; any thread. */
#ifndef CHAT2DESK_ATTACHMENT_H
#define CHAT2DESK_ATTACHMENT_H

#include "base/jdoc.h"
#include "base/kind.h"

/* The kind of the first attachment of the message that we know: the fields photo, audio, video and pdf, then
 * the array attachments in both its shapes, {content_type, file: {url}} and {name, link}. KIND_EMPTY: none. */
enum kind c2d_attachment_kind(struct jdoc message);

#endif
