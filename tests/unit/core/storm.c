/* storm.c - what came of the deeds: rooms that were promised, replies in order. */
#include "storm.h"

#include "core/inside.h"
#include <errno.h>

uint64_t storm_below(struct storm *storm, uint64_t bound)
{
	return random_below(&storm->random, bound);
}

struct troupe_address storm_anybody(struct storm *storm)
{
	struct troupe_address address =
		storm->addresses[storm_below(storm, storm->n_addresses)];

	if (storm_below(storm, 50) == 0)
		address.generation += (uint32_t)storm_below(storm, 3);
	return address;
}

/* The receiver's id is only known when it is its address that is used; made up ones do not
 * count. */
int storm_id_of(struct storm *storm, struct troupe_address address)
{
	for (unsigned i = 0; i < storm->n_addresses; i++)
		if (troupe_address_equal(storm->addresses[i], address))
			return (int)i;
	return -1;
}

static struct refusal *find_refusal(struct storm *storm, int64_t id,
				    struct troupe_address where, uint64_t handle)
{
	for (unsigned i = 0; i < storm->n_refusals; i++) {
		struct refusal *refusal = &storm->refusals[i];

		if (refusal->id == id && refusal->handle == handle &&
		    troupe_address_equal(refusal->where, where))
			return refusal;
	}
	return NULL;
}

uint32_t storm_count_waits(const struct troupe_self *self)
{
	return self->runtime->waits.count;
}

/* What an actor got, when there were so many waits before. -EAGAIN promises one on_room, and
 * only that does; when one is on its way it is that one. */
void storm_note_result(struct troupe_self *self, struct puppet *me, struct troupe_address where,
		       uint64_t handle, int rc, uint32_t before)
{
	struct storm *storm = storm_of(self);

	if (rc != -EAGAIN || storm_count_waits(self) == before) {
		assert_int_equal(storm_count_waits(self), before);
		assert_true(rc != -EAGAIN || find_refusal(storm, me->id, where, handle) ||
			    find_refusal(storm, me->id, where, 0));
		return;
	}
	assert_int_equal(storm_count_waits(self), before + 1);
	assert_true(storm->n_refusals < STORM_ROOMS);
	storm->refusals[storm->n_refusals++] = (struct refusal){me->id, where, handle};
}

/* There is room, as was promised. Of a stream that was kept after it was refused the handle was
 * not known then. */
void storm_take_room(struct storm *storm, int64_t id, struct troupe_address where,
		     uint64_t handle)
{
	struct refusal *refusal = find_refusal(storm, id, where, handle);

	if (!refusal)
		refusal = find_refusal(storm, id, where, 0);
	assert_non_null(refusal);
	*refusal = storm->refusals[--storm->n_refusals];
}

void storm_forget_refusals(struct storm *storm, int64_t id)
{
	for (unsigned i = 0; i < storm->n_refusals;)
		if (storm->refusals[i].id == id)
			storm->refusals[i] = storm->refusals[--storm->n_refusals];
		else
			i++;
}

static struct stream *get_stream(struct storm *storm, unsigned number, unsigned id)
{
	uint32_t key = number * STORM_IDS + id + 1;
	unsigned at = key * 2654435761u % STORM_STREAMS;

	while (storm->streams[at].key && storm->streams[at].key != key)
		at = (at + 1) % STORM_STREAMS;
	if (!storm->streams[at].key) {
		assert_true(++storm->n_streams < STORM_STREAMS / 2);
		storm->streams[at].key = key;
	}
	return &storm->streams[at];
}

/* The next reply of a stream. */
int storm_reply_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     unsigned number)
{
	struct storm *storm = storm_of(self);
	struct stream *stream = get_stream(storm, number, (unsigned)me->id);
	bool is_wanted = troupe_call_wants_reply(self, call);
	char text[64];
	int rc;

	(void)snprintf(text, sizeof(text), "%u %u %u", number, (unsigned)me->id,
		       stream->sent + 1);
	rc = troupe_reply(self, call, &text_method, &(struct text){text});
	stream->sent += rc == 0;
	if (rc == 0 && is_wanted && number < STORM_CALLS && storm->windows[number]) {
		storm->replied[number]++;
		assert_in_range(storm->replied[number] - storm->taken[number], 0,
				storm->windows[number]);
	}
	return rc;
}

/* The last one. */
int storm_return_last(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      unsigned number)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %u last", number, (unsigned)me->id);
	return troupe_return(self, call, &text_method, &(struct text){text});
}

/* A reply of the call of that number: the next of its stream, or the last, when all others of
 * the same actor have come. */
void storm_see_reply(struct storm *storm, unsigned number, const struct troupe_reply *reply)
{
	unsigned of, id, sequence;
	struct stream *stream;
	int n;

	if (reply->status != TROUPE_OK)
		return;
	n = sscanf(((const struct text *)reply->data)->text, "%u %u %u", &of, &id, &sequence);
	assert_int_equal(n, reply->continues ? 3 : 2);
	assert_int_equal(of, number);
	stream = get_stream(storm, number, id);
	if (reply->continues)
		assert_int_equal(sequence, ++stream->seen);
	else
		assert_int_equal(stream->seen, stream->sent);
}
