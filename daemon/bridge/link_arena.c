/* link_arena.c - OFFER, ACCEPT and RETURN. */
#include "bridge/link_arena.h"

#include <string.h>

void link_on_offer(struct link *link)
{
	if (!link->outbox || !link->loans.lending->config->ops->on_arena_wanted)
		return;
	if (loans_on_offer(&link->loans))
		link_send_mark(link, ENVELOPE_ACCEPT);
}

bool link_on_return(struct link *link, const struct envelope *envelope)
{
	const unsigned char *at = envelope->payload;
	bool is_sound = true;

	/* All it had was taken back when it went down; its successor may have the same
	 * blocks. */
	if (!link->outbox)
		return true;
	for (size_t i = 0; i < envelope->size; i += sizeof(uint32_t)) {
		uint32_t piece;

		memcpy(&piece, at + i, sizeof(piece));
		is_sound = loans_take_back(&link->loans, piece) && is_sound;
	}
	return is_sound;
}

int link_map(struct link *link, int fd)
{
	int r = borrower_map(&link->loans.borrower, fd);

	if (r == 0)
		link_send_mark(link, ENVELOPE_ACCEPT);
	return r;
}
