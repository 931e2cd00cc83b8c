/* link.c - from envelopes to batches, from batches to frames, and frames out as the transport
 * takes them. */
#include "bridge/link.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "proto/layout.h"
#include <stdio.h>
#include <string.h>

#define FRAMES_AT_ONCE 64 /* sent in one callback */

/* A sealed batch that waits. */
struct link_frame {
	struct list link;
	void *frame; /* of the transport */
	size_t size;
};

static void drop_frame(struct link *link, struct link_frame *waiting)
{
	link->waiting -= waiting->size;
	list_remove(&waiting->link);
	link->transport->ops->frame_free(waiting->frame);
	free(waiting);
}

/* Send sealed frames until one is refused. An error other than -EAGAIN costs the frame: it is
 * counted, and the peer sees the gap. */
static void send_frames(struct link *link)
{
	for (unsigned n = 0; n < FRAMES_AT_ONCE && !list_is_empty(&link->frames); n++) {
		struct link_frame *waiting = list_first(&link->frames, struct link_frame, link);
		int r = link->transport->ops->outbox_send(link->outbox, waiting->frame);

		if (r == -EAGAIN)
			break;
		if (r == 0) {
			link->stats->frames_out++;
			link->stats->bytes_out += waiting->size;
			waiting->frame = NULL;
		} else {
			loans_take_back_frame(&link->loans, waiting->frame, waiting->size);
		}
		drop_frame(link, waiting);
	}
	loop_io_set(&link->io, list_is_empty(&link->frames) ? 0 : LOOP_READ);
}

static size_t count_unsent(const struct link *link)
{
	return link->waiting + link->batch.size;
}

static void on_writable(struct loop_io *io, unsigned events)
{
	struct link *link = container_of(io, struct link, io);

	(void)events;
	send_frames(link);
	link_check_room(link);
}

bool link_check_room(struct link *link)
{
	const struct bridge_config *config = link->loans.lending->config;

	/* Half of it, so that those who waited do not find it full again at once. */
	if (!link->outbox || !link->has_refused || link->waiting > BRIDGE_UNSENT / 2 ||
	    link->loans.lent > BRIDGE_LENT / 2)
		return false;
	link->has_refused = false;
	config->ops->on_room(config->context, link->peer);
	return true;
}

/* The batch becomes a frame, which leaves now or waits. -ENOMEM: it is still a batch. */
static int seal_batch(struct link *link)
{
	struct link_frame *waiting;

	if (link->batch.count == 0)
		return 0;
	waiting = malloc(sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	waiting->frame = envelope_batch_take(&link->batch, &waiting->size);
	if (!waiting->frame) {
		free(waiting);
		return -ENOMEM;
	}
	list_append(&link->frames, &waiting->link);
	link->waiting += waiting->size;
	/* While the watcher runs, the transport has no room. */
	if (!link->io.started)
		send_frames(link);
	return 0;
}

bool link_is_flushed(const struct link *link)
{
	return !link->outbox || count_unsent(link) == 0;
}

/* ---- envelopes */

static int add_envelope(struct link *link, const struct envelope *envelope, void **ret_payload)
{
	int r = envelope_batch_add(&link->batch, envelope, ret_payload);

	if (r != -ENOBUFS || link->batch.count == 0)
		return r;
	r = seal_batch(link);
	return r < 0 ? r : envelope_batch_add(&link->batch, envelope, ret_payload);
}

static char mark_of(enum envelope_kind kind)
{
	return kind == ENVELOPE_REPLY ? '>' : kind == ENVELOPE_ERROR ? '!' : '(';
}

static int print_name(const struct envelope_meaning *meaning, char **ret_name)
{
	const char *interface = meaning->interface ? meaning->interface : "";
	char *name;

	if (asprintf(&name, "%s%s%s", interface, meaning->interface ? "." : "", meaning->name) <
	    0)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}

/* Send the peer what a hash means. Once for each, so it may take its time. */
static int send_layout(struct link *link, const struct envelope *envelope,
		       const struct troupe_type *type, const struct envelope_meaning *meaning)
{
	cleanup_free char *name = NULL, *text = NULL;
	struct envelope_layout layout = {.mark = mark_of(envelope->kind)};
	int r = print_name(meaning, &name);

	if (r == 0)
		r = layout_print(type, &text);
	if (r < 0)
		return r;
	layout.name = name;
	layout.text = text;
	r = envelope_batch_add_layout(&link->batch, envelope->hash, &layout);
	if (r == -ENOBUFS && link->batch.count > 0) {
		r = seal_batch(link);
		if (r == 0)
			r = envelope_batch_add_layout(&link->batch, envelope->hash, &layout);
	}
	/* When it cannot be noted it is sent again. */
	if (r == 0)
		(void)layouts_add(&link->sent, envelope->hash);
	return r;
}

/* As loans_lend(), and send OFFER when loans_lend() asks for that. */
static void *lend(struct link *link, struct envelope_reference *reference)
{
	bool has_to_offer;
	void *place = loans_lend(&link->loans, reference, &has_to_offer);

	if (has_to_offer)
		link_send_mark(link, ENVELOPE_OFFER);
	return place;
}

/* Send an envelope of any kind. */
static int send_any(struct link *link, const struct envelope *envelope,
		    const struct troupe_type *type, const void *data,
		    const struct envelope_meaning *meaning)
{
	struct envelope sized = *envelope;
	struct envelope_reference reference = {0};
	void *payload, *lent = NULL;
	int r;

	if (type) {
		r = codec_size(type, data, &sized.size, NULL);
		if (r < 0)
			return r;
	}
	if (meaning && !layouts_has(&link->sent, envelope->hash)) {
		r = send_layout(link, envelope, type, meaning);
		if (r < 0)
			return r;
	}
	reference.size = (uint32_t)sized.size;
	if (unlikely(sized.size > BRIDGE_INLINE))
		lent = lend(link, &reference);
	if (lent) {
		sized.flags |= ENVELOPE_LENT;
		sized.size = sizeof(reference);
	}
	r = add_envelope(link, &sized, &payload);
	if (r < 0) {
		if (lent)
			(void)loans_take_back(&link->loans, reference.piece);
		return r;
	}
	if (lent) {
		memcpy(payload, &reference, sizeof(reference));
		link->stats->lent_out++;
		payload = lent;
	}
	if (reference.size == 0)
		return 0;
	if (type)
		codec_encode(type, data, payload, reference.size);
	else
		memcpy(payload, envelope->payload, reference.size);
	return 0;
}

int link_send(struct link *link, const struct envelope *envelope,
	      const struct troupe_type *type, const void *data,
	      const struct envelope_meaning *meaning)
{
	bool is_refusable = envelope->kind == ENVELOPE_SEND || envelope->kind == ENVELOPE_CALL;
	void *payload;

	if (!link->outbox)
		return -EHOSTUNREACH;
	/* What waits is watched for room, and what is lent comes back, so that on_room is sure
	 * to come. */
	if (is_refusable &&
	    (link->waiting >= BRIDGE_UNSENT || link->loans.lent >= BRIDGE_LENT)) {
		link->has_refused = true;
		return -EAGAIN;
	}
	if (count_unsent(link) >= BRIDGE_UNSENT_HARD)
		return -ENOBUFS;
	/* What most are: a plain value of a layout that the peer knows. */
	if (likely(type && type->flags & TROUPE_TYPE_PLAIN) &&
	    likely(link->sent.last == envelope->hash)) {
		payload = envelope_batch_add_send(&link->batch, envelope, type->size);
		if (likely(payload != NULL)) {
			if (type->size > 0)
				memcpy(payload, data, type->size);
			return 0;
		}
	}
	return send_any(link, envelope, type, data, meaning);
}

void link_send_mark(struct link *link, enum envelope_kind kind)
{
	(void)link_send(link, &(struct envelope){.kind = kind}, NULL, NULL, NULL);
}

/* Put a RETURN for what is to be given back into the batch. */
static void send_returns(struct link *link)
{
	struct borrower *borrower = &link->loans.borrower;
	uint32_t pieces[ENVELOPE_RETURNS];
	struct envelope envelope = {
		.kind = ENVELOPE_RETURN,
		.payload = pieces,
		.size = borrower->n_used * sizeof(*pieces),
	};
	struct borrower before = *borrower;

	borrower_take_used(borrower, pieces);
	/* Short of memory, or of room for a peer that reads nothing: next time. */
	if (link_send(link, &envelope, NULL, NULL, NULL) < 0)
		*borrower = before;
}

bool link_flush(struct link *link)
{
	if (!link->outbox)
		return true;
	if (link->loans.borrower.n_used > 0)
		send_returns(link);
	return seal_batch(link) == 0 && link->loans.borrower.n_used == 0;
}

/* ---- life */

int link_new(struct lending *lending, struct process peer, const char *path,
	     struct bridge_stats *stats, struct link **ret_link)
{
	const struct bridge_config *config = lending->config;
	const struct transport *transport = &config->transport;
	struct link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	r = transport->ops->outbox_open(transport->context, path, &link->outbox);
	if (r < 0) {
		free(link);
		return r;
	}
	list_init(&link->link);
	list_init(&link->frames);
	link->transport = transport;
	link->peer = peer;
	link->stats = stats;
	link->loans.lending = lending;
	link->loans.peer = peer;
	link->expected = 1;
	envelope_batch_init(&link->batch, BRIDGE_BATCH, config->process, peer, 1);
	envelope_batch_set_memory(&link->batch, &(struct envelope_memory){
							.resize = transport->ops->frame_resize,
							.free = transport->ops->frame_free,
							.context = transport->context,
						});
	loop_io_init(&link->io, config->loop, transport->ops->outbox_fd(link->outbox),
		     on_writable);
	*ret_link = link;
	return 0;
}

void link_cut(struct link *link)
{
	if (!link->outbox)
		return;
	loop_io_stop(&link->io);
	list_foreach_safe (at, &link->frames)
		drop_frame(link, container_of(at, struct link_frame, link));
	envelope_batch_fini(&link->batch);
	loans_take_all_back(&link->loans);
	link->transport->ops->outbox_close(link->outbox);
	link->outbox = NULL;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	link_cut(link);
	list_remove(&link->link);
	layouts_fini(&link->sent);
	layouts_fini(&link->learned);
	borrower_fini(&link->loans.borrower);
	free(link);
}
