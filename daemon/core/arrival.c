#include "core/arrival.h"
#include "proto/codec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What comes of an envelope that carries a value, by its kind. */
static const enum mail_kind mail_kinds[] = {
	[ENVELOPE_SEND] = MAIL_SEND,
	[ENVELOPE_CALL] = MAIL_CALL,
	[ENVELOPE_REPLY] = MAIL_REPLY,
	[ENVELOPE_ERROR] = MAIL_ERROR,
};

struct message *arrival_decode(struct arrival *arrival, const struct troupe_type *type,
			       enum troupe_status *ret_status)
{
	const struct envelope *envelope = arrival->envelope;
	bool is_plain = type->flags & TROUPE_TYPE_PLAIN && envelope->size == type->size;
	struct message *message;

	*ret_status = TROUPE_OVERLOADED;
	if (envelope->size > LIMIT_MESSAGE_BYTES)
		return NULL;
	message = message_new(&arrival->runtime->messages, mail_kinds[envelope->kind],
			      envelope->size);
	if (!message)
		return NULL;
	if (envelope->size)
		memcpy(message_block(message), envelope->payload, envelope->size);
	/* Any bytes are a plain value; only their number could be wrong. */
	if (is_plain ||
	    codec_decode(type, message_block(message), envelope->size, &arrival->problem) == 0)
		return message;
	message_free(&arrival->runtime->messages, message);
	*ret_status = TROUPE_INVALID_PARAMETER;
	return NULL;
}

struct message *arrival_adapt(struct slab *slab, const struct message *message,
			      const struct troupe_type *theirs, const struct troupe_type *ours,
			      unsigned flags, struct codec_error *problem,
			      enum troupe_status *ret_status)
{
	struct message *adapted;
	void *block;
	size_t size;
	int rc = codec_convert(theirs, message_block(message), ours, flags, &block, &size,
			       problem);

	*ret_status = rc < 0 && rc != -ENOMEM ? TROUPE_INVALID_PARAMETER : TROUPE_OVERLOADED;
	if (rc < 0)
		return NULL;
	adapted = message_new(slab, message->mail.kind, size);
	if (adapted) {
		memcpy(adapted, message, message_head(message->mail.kind));
		adapted->mail.size = (uint32_t)size;
		codec_copy(ours, block, message_block(adapted), size);
	}
	free(block);
	return adapted;
}

struct message *arrival_convert(struct arrival *arrival, const struct troupe_type *theirs,
				const struct troupe_type *ours, unsigned flags,
				enum troupe_status *ret_status)
{
	struct slab *slab = &arrival->runtime->messages;
	struct message *raw = arrival_decode(arrival, theirs, ret_status), *message;

	if (!raw)
		return NULL;
	message = arrival_adapt(slab, raw, theirs, ours, flags, &arrival->problem, ret_status);
	message_free(slab, raw);
	return message;
}

bool arrival_find_layout(struct arrival *arrival, const struct troupe_type **ret_type,
			 const char **ret_name)
{
	struct runtime *runtime = arrival->runtime;

	return runtime->ops->find_layout(runtime->context, arrival->peer,
					 arrival->envelope->hash, ret_type, ret_name);
}
