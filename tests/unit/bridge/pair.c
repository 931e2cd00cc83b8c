/* pair.c - processes that send each other notes. */
#include "pair.h"

#include "base/cleanup.h"
#include "proto/layout.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_field note_fields[] = {
	{"number", &int_type, offsetof(struct pair_note, number), 0},
	{"text", &string_type, offsetof(struct pair_note, text), 0},
};
static const struct troupe_type note_type = {.kind = TROUPE_STRUCT,
					     .align = 8,
					     .size = sizeof(struct pair_note),
					     .count = 2,
					     .fields = note_fields};

static char letter_of(int64_t number)
{
	return (char)('a' + number % 26);
}

char *pair_text(int64_t number, size_t length)
{
	char *text = malloc(length + 1);

	assert_non_null(text);
	memset(text, letter_of(number), length);
	text[length] = '\0';
	return text;
}

static void check_text(const struct envelope *e, int64_t number)
{
	const char *text = (const char *)e->payload + sizeof(struct pair_note);
	size_t length = e->size - sizeof(struct pair_note) - 1;

	assert_int_equal(text[length], '\0');
	if (length == 0)
		return;
	assert_int_equal(text[0], letter_of(number));
	assert_memory_equal(text, text + 1, length - 1);
}

static void on_envelope(void *context, struct process peer, const struct envelope *e)
{
	struct pair_process *process = context;

	assert_int_equal(peer.worker, e->from.worker);
	process->envelopes++;
	process->size = e->size;
	if (e->kind == ENVELOPE_FAILURE) {
		process->failures++;
		assert_int_equal(e->status, TROUPE_NO_SUCH_ACTOR);
	} else if (e->size >= sizeof(int64_t)) {
		int64_t number;

		memcpy(&number, e->payload, sizeof(number));
		assert_true(number > process->last);
		if (process->is_checking)
			check_text(e, number);
		process->last = number;
	}
	if (process->answers)
		assert_int_equal(bridge_send(process->bridge,
					     &(struct envelope){.kind = ENVELOPE_FAILURE,
								.status = TROUPE_NO_SUCH_ACTOR,
								.call = 1,
								.from = e->to,
								.to = e->from},
					     NULL, NULL, NULL),
				 0);
}

static void on_room(void *context, struct process peer)
{
	(void)peer;
	((struct pair_process *)context)->rooms++;
}

static void on_down(void *context, struct process peer, bool crashed)
{
	struct pair_process *process = context;

	process->downs++;
	process->down_incarnation = peer.incarnation;
	process->has_crashed = crashed;
	process->envelopes_at_down = process->envelopes;
}

static void on_gap(void *context, struct process peer, uint64_t lost)
{
	struct pair_process *process = context;

	(void)peer;
	process->gaps++;
	process->lost += lost;
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	struct pair_process *process = context;

	(void)envelope;
	process->drops++;
	process->reason = reason;
}

static void on_arena_wanted(void *context, struct process wanted)
{
	struct pair_process *process = context;

	process->wants++;
	process->wanted[wanted.worker] = wanted.incarnation;
}

static const struct bridge_ops ops = {on_envelope, on_room,    on_down,
				      on_gap,      on_dropped, on_arena_wanted};

int pair_make_arena(size_t size)
{
	int fd = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd > 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return fd;
}

void pair_give_arenas(struct pair *f)
{
	struct pair_process *processes[] = {&f->a, &f->b};

	for (size_t i = 0; i < ARRAY_LEN(processes); i++)
		for (uint16_t worker = 1; worker < ARRAY_LEN(f->arenas); worker++) {
			if (!processes[i]->wanted[worker] || f->arenas[worker] == 0)
				continue;
			(void)bridge_add_arena(processes[i]->bridge,
					       life_of(worker, processes[i]->wanted[worker]),
					       f->arenas[worker]);
			processes[i]->wanted[worker] = 0;
		}
}

void pair_on_closed(void *context)
{
	((struct pair_process *)context)->closes++;
}

void pair_open_process(struct pair *f, struct pair_process *process, uint16_t worker,
		       uint32_t incarnation)
{
	struct bridge_config config = {
		.loop = f->loop,
		.transport = {&memory_ops, &f->memory},
		.directory = "dir",
		.process = life_of(worker, incarnation),
		.ops = &ops,
		.context = process,
	};

	*process = (struct pair_process){.address = {.worker = worker,
						     .incarnation = incarnation,
						     .slot = 1,
						     .generation = 1}};
	assert_int_equal(bridge_new(&config, &process->bridge), 0);
}

void pair_begin(struct pair *f)
{
	cleanup_free char *text = NULL;

	*f = (struct pair){0};
	memory_init(&f->memory);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(layout_print(&note_type, &text), 0);
	f->hash = layout_hash(NOTE_NAME, '(', text);
	pair_open_process(f, &f->a, 1, 1);
	pair_open_process(f, &f->b, 2, 1);
	assert_int_equal(bridge_peer_up(f->a.bridge, life_of(2, 1)), 0);
}

void pair_begin_both(struct pair *f)
{
	pair_begin(f);
	assert_int_equal(bridge_peer_up(f->b.bridge, life_of(1, 1)), 0);
}

void pair_end(struct pair *f)
{
	bridge_free(f->a.bridge);
	bridge_free(f->b.bridge);
	for (size_t i = 0; i < ARRAY_LEN(f->arenas); i++)
		if (f->arenas[i] > 0)
			close(f->arenas[i]);
	loop_free(f->loop);
}

void pair_turn(struct pair *f, unsigned passes)
{
	while (passes-- > 0)
		loop_step(f->loop, false);
}

void pair_run_for(struct pair *f, uint64_t ns)
{
	uint64_t until = loop_clock_ns(f->loop) + ns;

	while (loop_clock_ns(f->loop) < until)
		loop_step(f->loop, false);
}

void pair_run_until(struct pair *f, const unsigned *count, unsigned expected)
{
	uint64_t until = loop_clock_ns(f->loop) + 60000000000u;

	while (*count != expected) {
		assert_true(loop_clock_ns(f->loop) < until);
		loop_step(f->loop, false);
	}
}

int pair_send_to(struct pair *f, struct pair_process *from, struct troupe_address to,
		 enum envelope_kind kind, int64_t number, const char *text)
{
	struct envelope e = {.kind = kind, .from = from->address, .to = to, .hash = f->hash};

	if (kind != ENVELOPE_SEND)
		e.call = 1;
	if (kind == ENVELOPE_CALL)
		e.deadline_ns = 1;
	return bridge_send(from->bridge, &e, &note_type, &(struct pair_note){number, text},
			   &(struct envelope_meaning){NULL, NOTE_NAME});
}

int pair_send_note(struct pair *f, int64_t number)
{
	return pair_send_to(f, &f->a, f->b.address, ENVELOPE_SEND, number, "hello");
}

struct bridge_stats pair_stats_of(const struct pair_process *process)
{
	return process->bridge->stats;
}

size_t pair_lent_by(const struct pair_process *process)
{
	const struct lender *lender = process->bridge->lending.lender;

	return lender ? lender_lent(lender) : 0;
}
