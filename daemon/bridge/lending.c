/* lending.c - who has which arena, and what of it is with whom. */
#include "bridge/lending.h"

#include "bridge/link.h"
#include <string.h>

#define RETRY_NS 1000000000ull /* until what was not answered is asked again */
#define AGE_NS   1000000000ull /* between looks at what has not been used */

_Static_assert(LENDER_PIECES <= ENVELOPE_RETURNS, "one RETURN names all blocks there can be");
_Static_assert(LIMIT_WORKERS <= UINT8_MAX, "a holder is a worker's number");

static bool is_due(struct lending *lending, uint64_t *last_ns)
{
	uint64_t now = loop_now_ns(lending->config->loop);

	if (*last_ns != 0 && now - *last_ns < RETRY_NS)
		return false;
	*last_ns = now;
	return true;
}

static void on_timer(struct loop_timer *timer)
{
	struct lending *lending = container_of(timer, struct lending, timer);

	if (lending->lender && lender_age(lending->lender))
		loop_timer_start(timer, AGE_NS);
}

void lending_init(struct lending *lending, const struct bridge_config *config)
{
	*lending = (struct lending){.config = config};
	loop_timer_init(&lending->timer, config->loop, on_timer);
}

void lending_fini(struct lending *lending)
{
	loop_timer_stop(&lending->timer);
	lender_free(lending->lender);
	lending->lender = NULL;
}

static void want_arena(struct lending *lending, uint16_t worker, uint32_t incarnation)
{
	lending->config->ops->on_arena_wanted(lending->config->context, worker, incarnation);
}

static void send_mark(struct link *link, enum envelope_kind kind)
{
	/* What gets lost is asked for again. */
	(void)link_send(link, &(struct envelope){.kind = kind}, NULL, NULL, NULL);
}

/* ---- lending */

void *link_lend(struct link *link, struct envelope_reference *reference)
{
	struct lending *lending = link->lending;
	void *place;

	if (!lending->config->ops->on_arena_wanted)
		return NULL;
	if (!lending->lender) {
		if (is_due(lending, &lending->asked_ns))
			want_arena(lending, lending->config->worker,
				   lending->config->incarnation);
		return NULL;
	}
	if (!link->is_accepted) {
		if (is_due(lending, &link->offered_ns))
			send_mark(link, ENVELOPE_OFFER);
		return NULL;
	}
	/* Replies are not refused, but a peer that does not read shall not have it all. */
	if (link->lent >= BRIDGE_LENT)
		return NULL;
	place = lender_lend(lending->lender, reference->size, (uint8_t)link->worker,
			    &reference->piece);
	if (!place)
		return NULL;
	link->lent += lender_size_of(reference->size);
	if (!lending->timer.started)
		loop_timer_start(&lending->timer, AGE_NS);
	return place;
}

static bool take_back(struct link *link, uint32_t piece)
{
	size_t bytes = 0;

	if (link->lending->lender)
		bytes = lender_take_back(link->lending->lender, piece, (uint8_t)link->worker);
	link->lent -= bytes;
	return bytes > 0;
}

void link_unlend(struct link *link, const struct envelope_reference *reference)
{
	(void)take_back(link, reference->piece);
}

void link_unlend_frame(struct link *link, const void *frame, size_t size)
{
	struct envelope_reference reference;
	struct envelope_reader reader;
	struct envelope envelope;

	if (link->lent == 0 || envelope_reader_init(&reader, frame, size) < 0)
		return;
	while (envelope_reader_next(&reader, &envelope) > 0) {
		if (!(envelope.flags & ENVELOPE_LENT))
			continue;
		memcpy(&reference, envelope.payload, sizeof(reference));
		link_unlend(link, &reference);
	}
}

void link_take_all_back(struct link *link)
{
	if (link->lending && link->lending->lender)
		lender_take_all_back(link->lending->lender, (uint8_t)link->worker);
	link->lent = 0;
	link->is_accepted = false;
}

bool link_on_return(struct link *link, const struct envelope *envelope)
{
	const unsigned char *at = envelope->payload;
	bool is_sound = true;

	/* All it had was taken back when it went down; its successor may have the same blocks. */
	if (!link->outbox)
		return true;
	for (size_t i = 0; i < envelope->size; i += sizeof(uint32_t)) {
		uint32_t piece;

		memcpy(&piece, at + i, sizeof(piece));
		is_sound = take_back(link, piece) && is_sound;
	}
	return is_sound;
}

/* ---- borrowing */

void link_on_offer(struct link *link)
{
	if (!link->outbox || !link->lending->config->ops->on_arena_wanted)
		return;
	if (link->borrower.memory)
		send_mark(link, ENVELOPE_ACCEPT);
	else if (is_due(link->lending, &link->wanted_ns))
		want_arena(link->lending, link->worker, link->incarnation);
}

int link_map(struct link *link, int fd)
{
	int r = borrower_map(&link->borrower, fd);

	if (r == 0)
		send_mark(link, ENVELOPE_ACCEPT);
	return r;
}

bool link_borrow(struct link *link, struct envelope *envelope, uint32_t *ret_piece)
{
	struct envelope_reference reference;
	const void *payload;

	memcpy(&reference, envelope->payload, sizeof(reference));
	payload = borrower_find(&link->borrower, reference.piece, reference.size);
	if (!payload)
		return false;
	envelope->flags &= (uint8_t)~ENVELOPE_LENT;
	envelope->payload = payload;
	envelope->size = reference.size;
	*ret_piece = reference.piece;
	return true;
}

void link_give_back(struct link *link, uint32_t piece)
{
	borrower_use(&link->borrower, piece);
}

void link_send_returns(struct link *link)
{
	uint32_t pieces[ENVELOPE_RETURNS];
	struct envelope envelope = {
		.kind = ENVELOPE_RETURN,
		.payload = pieces,
		.size = link->borrower.n_used * sizeof(*pieces),
	};
	struct borrower before = link->borrower;

	if (envelope.size == 0)
		return;
	borrower_take_used(&link->borrower, pieces);
	/* Short of memory, or of room for a peer that reads nothing: next time. */
	if (link_send(link, &envelope, NULL, NULL, NULL) < 0)
		link->borrower = before;
}
