/* lending.c - who has which arena, and what of it is with whom. */
#include "bridge/lending.h"

#include "base/list.h"
#include <string.h>

#define RETRY_NS 1000000000ull /* until what was not answered is asked again */
#define AGE_NS   1000000000ull /* between looks at what has not been used */

_Static_assert(LENDER_PIECES <= ENVELOPE_RETURNS, "one RETURN names all blocks there can be");

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

/* Ask the host for the arena of a process, unless that was a moment ago. */
static void want_arena(struct lending *lending, struct process process, uint64_t *last_ns)
{
	if (is_due(lending, last_ns))
		lending->config->ops->on_arena_wanted(lending->config->context, process);
}

/* ---- lending */

void *loans_lend(struct loans *loans, struct envelope_reference *reference, bool *ret_offer)
{
	struct lending *lending = loans->lending;
	void *place;

	*ret_offer = false;
	if (!lending->config->ops->on_arena_wanted)
		return NULL;
	if (!lending->lender) {
		want_arena(lending, lending->config->process, &lending->asked_ns);
		return NULL;
	}
	if (!loans->is_accepted) {
		*ret_offer = is_due(lending, &loans->offered_ns);
		return NULL;
	}
	/* Replies are not refused, but a peer that does not read shall not have it all. */
	if (loans->lent >= BRIDGE_LENT)
		return NULL;
	place = lender_lend(lending->lender, reference->size, loans->peer, &reference->piece);
	if (!place)
		return NULL;
	loans->lent += lender_size_of(reference->size);
	if (!lending->timer.started)
		loop_timer_start(&lending->timer, AGE_NS);
	return place;
}

bool loans_take_back(struct loans *loans, uint32_t piece)
{
	size_t bytes = 0;

	if (loans->lending->lender)
		bytes = lender_take_back(loans->lending->lender, piece, loans->peer);
	loans->lent -= bytes;
	return bytes > 0;
}

void loans_take_back_frame(struct loans *loans, const void *frame, size_t size)
{
	struct envelope_reference reference;
	struct envelope_reader reader;
	struct envelope envelope;

	if (loans->lent == 0 || envelope_reader_init(&reader, frame, size) < 0)
		return;
	while (envelope_reader_next(&reader, &envelope) > 0) {
		if (!(envelope.flags & ENVELOPE_LENT))
			continue;
		memcpy(&reference, envelope.payload, sizeof(reference));
		(void)loans_take_back(loans, reference.piece);
	}
}

void loans_take_all_back(struct loans *loans)
{
	if (loans->lending->lender)
		lender_take_all_back(loans->lending->lender, loans->peer);
	loans->lent = 0;
	loans->is_accepted = false;
}

/* ---- borrowing */

bool loans_on_offer(struct loans *loans)
{
	if (loans->borrower.memory)
		return true;
	want_arena(loans->lending, loans->peer, &loans->wanted_ns);
	return false;
}

bool loans_borrow(struct loans *loans, struct envelope *envelope, uint32_t *ret_piece)
{
	struct envelope_reference reference;
	const void *payload;

	memcpy(&reference, envelope->payload, sizeof(reference));
	payload = borrower_find(&loans->borrower, reference.piece, reference.size);
	if (!payload)
		return false;
	envelope->flags &= (uint8_t)~ENVELOPE_LENT;
	envelope->payload = payload;
	envelope->size = reference.size;
	*ret_piece = reference.piece;
	return true;
}
