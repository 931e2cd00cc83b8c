/* test_bridge.c - links over a transport made of memory: order, batches, back-pressure, gaps,
 * ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/list.h"
#include "bridge/bridge.h"
#include "proto/layout.h"
#include <string.h>
#include <sys/eventfd.h>

/* ---- a transport of memory */

#define INBOXES 8

struct frame {
	struct list link;
	size_t size;
	_Alignas(16) unsigned char data[];
};

struct inbox {
	struct sim *sim;
	char path[64];
	int fd;
	struct list frames;
	unsigned count, room; /* frames it holds, may hold */
	unsigned swallow;     /* of the next frames: accepted, then lost */
};

struct outbox {
	struct list link;
	struct sim *sim;
	char path[64];
	int fd;
};

struct sim {
	struct inbox *inboxes[INBOXES];
	struct list outboxes;
};

static struct frame *frame_of(void *data)
{
	return container_of(data, struct frame, data);
}

static struct inbox *find_inbox(struct sim *sim, const char *path)
{
	for (size_t i = 0; i < INBOXES; i++)
		if (sim->inboxes[i] && strcmp(sim->inboxes[i]->path, path) == 0)
			return sim->inboxes[i];
	return NULL;
}

static void set_ready(int fd, bool ready)
{
	eventfd_t value;

	if (ready)
		eventfd_write(fd, 1);
	else
		(void)eventfd_read(fd, &value);
}

static void update(struct sim *sim)
{
	for (size_t i = 0; i < INBOXES; i++)
		if (sim->inboxes[i])
			set_ready(sim->inboxes[i]->fd, sim->inboxes[i]->count > 0);
	list_foreach (at, &sim->outboxes) {
		struct outbox *outbox = container_of(at, struct outbox, link);
		struct inbox *inbox = find_inbox(sim, outbox->path);

		set_ready(outbox->fd, inbox && inbox->count < inbox->room);
	}
}

static int inbox_open(void *context, const char *path, struct inbox **ret_inbox)
{
	struct sim *sim = context;
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	size_t i = 0;

	if (!inbox)
		return -ENOMEM;
	while (sim->inboxes[i])
		i++;
	sim->inboxes[i] = inbox;
	inbox->sim = sim;
	inbox->room = 1000;
	snprintf(inbox->path, sizeof(inbox->path), "%s", path);
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	list_init(&inbox->frames);
	update(sim);
	*ret_inbox = inbox;
	return 0;
}

static int inbox_fd(struct inbox *inbox)
{
	return inbox->fd;
}

static int inbox_receive(struct inbox *inbox, void **ret_frame, size_t *ret_size)
{
	struct frame *frame;

	if (list_is_empty(&inbox->frames))
		return -EAGAIN;
	frame = list_first(&inbox->frames, struct frame, link);
	list_remove(&frame->link);
	inbox->count--;
	update(inbox->sim);
	*ret_frame = frame->data;
	*ret_size = frame->size;
	return 0;
}

static void inbox_close(struct inbox *inbox)
{
	for (size_t i = 0; i < INBOXES; i++)
		if (inbox->sim->inboxes[i] == inbox)
			inbox->sim->inboxes[i] = NULL;
	list_foreach_safe (at, &inbox->frames)
		free(container_of(at, struct frame, link));
	close(inbox->fd);
	update(inbox->sim);
	free(inbox);
}

static int outbox_open(void *context, const char *path, struct outbox **ret_outbox)
{
	struct sim *sim = context;
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return -ENOMEM;
	outbox->sim = sim;
	snprintf(outbox->path, sizeof(outbox->path), "%s", path);
	outbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	list_append(&sim->outboxes, &outbox->link);
	update(sim);
	*ret_outbox = outbox;
	return 0;
}

static int outbox_fd(struct outbox *outbox)
{
	return outbox->fd;
}

static int outbox_send(struct outbox *outbox, void *data)
{
	struct inbox *inbox = find_inbox(outbox->sim, outbox->path);
	struct frame *frame = frame_of(data);

	if (!inbox || inbox->count >= inbox->room)
		return -EAGAIN;
	if (inbox->swallow > 0) {
		inbox->swallow--;
		free(frame);
		return 0;
	}
	list_append(&inbox->frames, &frame->link);
	inbox->count++;
	update(outbox->sim);
	return 0;
}

static void outbox_close(struct outbox *outbox)
{
	list_remove(&outbox->link);
	close(outbox->fd);
	free(outbox);
}

static void *frame_new(void *context, size_t size)
{
	struct frame *frame = malloc(sizeof(*frame) + size);

	(void)context;
	if (!frame)
		return NULL;
	list_init(&frame->link);
	frame->size = size;
	return frame->data;
}

static void frame_free(void *data)
{
	if (data)
		free(frame_of(data));
}

static const struct transport_ops sim_ops = {
	inbox_open, inbox_fd,    inbox_receive, inbox_close, outbox_open,
	outbox_fd,  outbox_send, outbox_close,  frame_new,   frame_free,
};

/* ---- two or three processes */

struct note {
	int64_t number;
	const char *text;
};

static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_field note_fields[] = {
	{"number", &int_type, offsetof(struct note, number), 0},
	{"text", &string_type, offsetof(struct note, text), 0},
};
static const struct troupe_type note_type = {.kind = TROUPE_STRUCT,
					     .align = 8,
					     .size = sizeof(struct note),
					     .count = 2,
					     .fields = note_fields};
#define NOTE_NAME "test.notes.Note"

struct process {
	struct bridge *bridge;
	struct troupe_address address;
	/* What it was told */
	unsigned envelopes, rooms, downs, gaps, drops, closes, failures;
	int64_t last; /* number of the last note */
	uint64_t lost;
	uint32_t down_incarnation;
	unsigned envelopes_at_down;
	const char *reason;
	size_t size;
	bool answers;
};

struct fixture {
	struct sim sim;
	struct loop *loop;
	uint64_t hash;
	struct process a, b;
};

static void on_envelope(void *context, struct troupe_address peer, const struct envelope *e)
{
	struct process *process = context;

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

static void on_room(void *context, uint16_t worker)
{
	(void)worker;
	((struct process *)context)->rooms++;
}

static void on_down(void *context, uint16_t worker, uint32_t incarnation)
{
	struct process *process = context;

	(void)worker;
	process->downs++;
	process->down_incarnation = incarnation;
	process->envelopes_at_down = process->envelopes;
}

static void on_gap(void *context, uint16_t worker, uint64_t lost)
{
	struct process *process = context;

	(void)worker;
	process->gaps++;
	process->lost += lost;
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	struct process *process = context;

	(void)envelope;
	process->drops++;
	process->reason = reason;
}

static const struct bridge_ops ops = {on_envelope, on_room, on_down, on_gap, on_dropped};

static void on_closed(void *context)
{
	((struct process *)context)->closes++;
}

static void open_process(struct fixture *f, struct process *process, uint16_t worker,
			 uint32_t incarnation)
{
	struct bridge_config config = {
		.loop = f->loop,
		.transport = {&sim_ops, &f->sim},
		.directory = "dir",
		.worker = worker,
		.incarnation = incarnation,
		.ops = &ops,
		.context = process,
	};

	*process = (struct process){.address = {.worker = worker,
						.incarnation = incarnation,
						.slot = 1,
						.generation = 1}};
	assert_int_equal(bridge_new(&config, &process->bridge), 0);
}

static void begin(struct fixture *f)
{
	cleanup_free char *text = NULL;

	*f = (struct fixture){0};
	list_init(&f->sim.outboxes);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(layout_print(&note_type, &text), 0);
	f->hash = layout_hash(NOTE_NAME, '(', text);
	open_process(f, &f->a, 1, 1);
	open_process(f, &f->b, 2, 1);
	assert_int_equal(bridge_peer_up(f->a.bridge, 2, 1), 0);
}

static void begin_both(struct fixture *f)
{
	begin(f);
	assert_int_equal(bridge_peer_up(f->b.bridge, 1, 1), 0);
}

static void end(struct fixture *f)
{
	bridge_free(f->a.bridge);
	bridge_free(f->b.bridge);
	loop_free(f->loop);
}

static void turn(struct fixture *f, unsigned passes)
{
	while (passes-- > 0)
		loop_step(f->loop, false);
}

static void run_for(struct fixture *f, uint64_t ns)
{
	uint64_t until = loop_clock_ns(f->loop) + ns;

	while (loop_clock_ns(f->loop) < until)
		loop_step(f->loop, false);
}

static int send_to(struct fixture *f, struct process *from, struct troupe_address to,
		   enum envelope_kind kind, int64_t number, const char *text)
{
	struct envelope e = {.kind = kind, .from = from->address, .to = to, .hash = f->hash};

	if (kind != ENVELOPE_SEND)
		e.call = 1;
	if (kind == ENVELOPE_CALL)
		e.deadline_ns = 1;
	return bridge_send(from->bridge, &e, &note_type, &(struct note){number, text},
			   NOTE_NAME);
}

static int send_note(struct fixture *f, int64_t number)
{
	return send_to(f, &f->a, f->b.address, ENVELOPE_SEND, number, "hello");
}

static struct bridge_stats stats_of(const struct process *process)
{
	struct bridge_stats stats;

	bridge_stats(process->bridge, &stats);
	return stats;
}

/* ---- tests */

static void bridge_sends_one_frame_for_all_of_a_pass(void **state)
{
	const struct troupe_type *type;
	const char *name;
	struct fixture f;

	(void)state;
	begin_both(&f);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(send_note(&f, i), 0);
	assert_int_equal(stats_of(&f.a).frames_out, 0);
	turn(&f, 3);
	assert_int_equal(f.b.envelopes, 100);
	assert_int_equal(f.b.last, 100);
	assert_int_equal(stats_of(&f.a).frames_out, 1);
	/* The layout went before them, once. */
	assert_int_equal(stats_of(&f.b).envelopes_in, 101);
	assert_true(bridge_find_layout(f.b.bridge, f.a.address, f.hash, &type, &name));
	assert_string_equal(name, NOTE_NAME);
	assert_int_equal(type->count, 2);
	assert_false(bridge_find_layout(f.b.bridge, f.a.address, f.hash + 1, &type, &name));
	assert_int_equal(send_note(&f, 101), 0);
	turn(&f, 3);
	assert_int_equal(stats_of(&f.b).envelopes_in, 102);
	assert_int_equal(f.b.gaps + f.b.drops, 0);
	end(&f);
}

static void bridge_passes_messages_up_to_the_limit(void **state)
{
	size_t size = LIMIT_MESSAGE_BYTES - sizeof(struct note) - 1;
	cleanup_free char *text = malloc(size + 2);
	struct fixture f;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size + 1);
	text[size] = '\0';
	begin_both(&f);
	assert_int_equal(send_note(&f, 1), 0);
	assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, 2, text), 0);
	assert_int_equal(send_note(&f, 3), 0);
	turn(&f, 5);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(stats_of(&f.a).frames_out, 3);
	text[size] = 'x';
	text[size + 1] = '\0';
	assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, 4, text), -EMSGSIZE);
	end(&f);
}

static void bridge_refuses_sends_and_takes_replies_when_peer_does_not_read(void **state)
{
	cleanup_free char *text = malloc(10001);
	int64_t sent = 0;
	struct fixture f;
	int r;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 10000);
	text[10000] = '\0';
	begin_both(&f);
	find_inbox(&f.sim, "dir/w2-1")->room = 0;
	update(&f.sim);
	while ((r = send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, sent + 1, text)) == 0)
		assert_true(++sent < 1000);
	assert_int_equal(r, -EAGAIN);
	assert_in_range(sent * 10000, BRIDGE_UNSENT / 2, 2 * BRIDGE_UNSENT);
	assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_CALL, sent + 1, "x"), -EAGAIN);
	for (int i = 0; i < 300; i++)
		assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, ++sent, text),
				 0);
	turn(&f, 5);
	assert_int_equal(f.a.rooms, 0);
	find_inbox(&f.sim, "dir/w2-1")->room = 4;
	update(&f.sim);
	turn(&f, 200);
	assert_int_equal(f.a.rooms, 1);
	assert_int_equal(f.b.last, sent);
	assert_int_equal(f.b.gaps, 0);
	assert_int_equal(send_note(&f, sent + 1), 0);
	end(&f);
}

static void bridge_loses_replies_only_beyond_the_hard_limit(void **state)
{
	size_t size = 8u << 20;
	cleanup_free char *text = malloc(size + 1);
	struct fixture f;
	int r = 0, sent = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	begin_both(&f);
	find_inbox(&f.sim, "dir/w2-1")->room = 0;
	while (r == 0 && sent < 100)
		r = send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, ++sent, text);
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(sent, 31, 34);
	end(&f);
}

static void bridge_delivers_a_bounded_amount_in_one_pass(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	for (int i = 1; i <= 50000; i++)
		assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	turn(&f, 1);
	assert_in_range(f.b.envelopes, 1, 20000);
	turn(&f, 50);
	assert_int_equal(f.b.envelopes, 50000);
	end(&f);
}

static void bridge_tells_of_gaps(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	assert_int_equal(send_note(&f, 1), 0);
	turn(&f, 3);
	find_inbox(&f.sim, "dir/w2-1")->swallow = 1;
	for (int i = 2; i <= 8; i++)
		assert_int_equal(send_note(&f, i), 0);
	turn(&f, 3);
	assert_int_equal(send_note(&f, 9), 0);
	turn(&f, 3);
	assert_int_equal(f.b.gaps, 1);
	assert_int_equal(f.b.lost, 7);
	assert_int_equal(f.b.last, 9);
	end(&f);
}

static void bridge_reaches_nobody_else(void **state)
{
	struct troupe_address other;
	struct fixture f;

	(void)state;
	begin(&f);
	other = f.b.address;
	other.incarnation = 2; /* of the same worker */
	assert_int_equal(send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	other.worker = 3; /* not up */
	assert_int_equal(send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	other = f.b.address;
	other.node = 1;
	assert_int_equal(send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	assert_int_equal(send_to(&f, &f.a, f.a.address, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	assert_int_equal(bridge_peer_up(f.a.bridge, 0, 1), -EINVAL);
	assert_int_equal(bridge_peer_up(f.a.bridge, 1, 1), -EINVAL);
	assert_int_equal(bridge_peer_up(f.a.bridge, LIMIT_WORKERS + 1, 1), -EINVAL);
	end(&f);
}

static void bridge_answers_a_peer_that_it_has_not_been_told_of(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f); /* b has not heard of a */
	f.b.answers = true;
	assert_int_equal(send_note(&f, 1), 0);
	turn(&f, 5);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.a.failures, 1);
	assert_int_equal(bridge_peer_up(f.b.bridge, 1, 1), 0);
	assert_int_equal(send_note(&f, 2), 0);
	turn(&f, 5);
	assert_int_equal(f.a.failures, 2);
	assert_int_equal(f.b.downs, 0);
	end(&f);
}

static void bridge_tells_of_death_after_the_last_mail(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	for (int i = 1; i <= 30000; i++)
		assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	turn(&f, 1);
	assert_true(f.b.envelopes < 30000);
	bridge_free(f.a.bridge);
	f.a.bridge = NULL;
	bridge_peer_down(f.b.bridge, 1, 1);
	assert_int_equal(send_to(&f, &f.b, f.a.address, ENVELOPE_REPLY, 1, "x"), -EHOSTUNREACH);
	assert_int_equal(f.b.downs, 0);
	run_for(&f, 30000000);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.down_incarnation, 1);
	/* The pass that was cut short left its last, partly filled batch unsent. */
	assert_true(f.b.envelopes_at_down > 29000);
	assert_int_equal(f.b.envelopes, f.b.envelopes_at_down);
	assert_int_equal(f.b.gaps, 0);
	assert_int_equal(bridge_peer_up(f.b.bridge, 1, 1), -ESTALE);
	end(&f);
}

static void bridge_drops_late_frames_of_the_dead(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	assert_int_equal(send_note(&f, 1), 0);
	turn(&f, 3);
	bridge_peer_down(f.b.bridge, 1, 1);
	run_for(&f, 10000000);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(send_note(&f, 2), 0);
	turn(&f, 3);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.b.drops, 1);
	assert_string_equal(f.b.reason, "stale-peer");
	/* Its successor is another peer. */
	bridge_free(f.a.bridge);
	open_process(&f, &f.a, 1, 2);
	assert_int_equal(bridge_peer_up(f.a.bridge, 2, 1), 0);
	assert_int_equal(send_note(&f, 3), 0);
	turn(&f, 3);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(f.b.gaps, 0);
	end(&f);
}

static void bridge_takes_a_successor_before_the_predecessors_end_is_told(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	assert_int_equal(send_note(&f, 1), 0);
	turn(&f, 3);
	bridge_free(f.a.bridge);
	open_process(&f, &f.a, 1, 2);
	assert_int_equal(bridge_peer_up(f.a.bridge, 2, 1), 0);
	assert_int_equal(send_note(&f, 2), 0);
	run_for(&f, 10000000);
	assert_int_equal(f.b.last, 2);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.down_incarnation, 1);
	bridge_peer_down(f.b.bridge, 1, 1);
	assert_int_equal(bridge_peer_up(f.b.bridge, 1, 2), 0);
	run_for(&f, 10000000);
	assert_int_equal(f.b.downs, 1);
	end(&f);
}

static void bridge_believes_the_master_more_than_a_frame(void **state)
{
	struct fixture f;
	struct process liar;

	(void)state;
	begin(&f);
	open_process(&f, &liar, 3, 900);
	assert_int_equal(bridge_peer_up(liar.bridge, 2, 1), 0);
	assert_int_equal(send_to(&f, &liar, f.b.address, ENVELOPE_SEND, 1, "x"), 0);
	turn(&f, 3);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(bridge_peer_up(f.b.bridge, 3, 2), 0);
	run_for(&f, 10000000);
	assert_int_equal(f.b.down_incarnation, 900);
	assert_int_equal(bridge_peer_up(f.b.bridge, 3, 2), 0);
	bridge_free(liar.bridge);
	end(&f);
}

static void bridge_checks_who_speaks_and_to_whom(void **state)
{
	struct troupe_address gone;
	struct fixture f;
	struct envelope e;

	(void)state;
	begin_both(&f);
	e = (struct envelope){
		.kind = ENVELOPE_CANCEL, .call = 1, .from = f.a.address, .to = f.b.address};
	e.from.incarnation = 7;
	assert_int_equal(bridge_send(f.a.bridge, &e, NULL, NULL, NULL), 0);
	turn(&f, 3);
	assert_string_equal(f.b.reason, "forged-sender");
	assert_int_equal(f.b.envelopes, 0);
	/* A bridge sends to the right incarnation only, so one is put into the inbox by hand.
	 */
	gone = f.b.address;
	gone.incarnation = 9;
	{
		struct envelope_batch batch;
		const void *data;
		void *payload, *frame;
		size_t size;

		envelope_batch_init(&batch, 4096, 1, 1, 2);
		e = (struct envelope){.kind = ENVELOPE_CALL,
				      .call = 5,
				      .hash = 6,
				      .deadline_ns = 7,
				      .from = f.a.address,
				      .to = gone};
		assert_int_equal(envelope_batch_add(&batch, &e, &payload), 0);
		e.kind = ENVELOPE_SEND;
		e.call = e.deadline_ns = 0;
		assert_int_equal(envelope_batch_add(&batch, &e, &payload), 0);
		data = envelope_batch_data(&batch, &size);
		frame = frame_new(NULL, size);
		memcpy(frame, data, size);
		list_append(&find_inbox(&f.sim, "dir/w2-1")->frames, &frame_of(frame)->link);
		find_inbox(&f.sim, "dir/w2-1")->count++;
		update(&f.sim);
		envelope_batch_fini(&batch);
	}
	turn(&f, 5);
	assert_int_equal(f.b.envelopes, 0);
	assert_int_equal(f.b.drops, 3);
	assert_string_equal(f.b.reason, "no-such-actor");
	assert_int_equal(f.a.failures, 1);
	end(&f);
}

static void bridge_survives_malformed_frames(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	for (size_t size = 0; size < 200; size += 7) {
		void *frame = frame_new(NULL, size);

		memset(frame, (int)size, size);
		list_append(&find_inbox(&f.sim, "dir/w2-1")->frames, &frame_of(frame)->link);
		find_inbox(&f.sim, "dir/w2-1")->count++;
	}
	update(&f.sim);
	assert_int_equal(send_note(&f, 1), 0);
	turn(&f, 3);
	assert_int_equal(f.b.drops, 29);
	assert_string_equal(f.b.reason, "malformed-frame");
	assert_int_equal(f.b.last, 1);
	end(&f);
}

static void bridge_closes_when_the_peer_has_everything(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	find_inbox(&f.sim, "dir/w2-1")->room = 1;
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	bridge_close(f.a.bridge, 5000000000, on_closed);
	assert_int_equal(f.a.closes, 0);
	assert_int_equal(send_note(&f, 30000), -EHOSTUNREACH);
	for (int i = 0; i < 1000 && f.a.closes == 0; i++)
		turn(&f, 1);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.b.envelopes, 20000);
	end(&f);
}

static void bridge_closes_when_all_close_at_once(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	assert_int_equal(send_note(&f, 1), 0);
	bridge_close(f.a.bridge, 5000000000, on_closed);
	bridge_close(f.b.bridge, 5000000000, on_closed);
	run_for(&f, 60000000);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.b.closes, 1);
	assert_int_equal(f.b.envelopes, 1);
	end(&f);
}

static void bridge_closes_by_the_deadline_when_a_peer_is_silent(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	find_inbox(&f.sim, "dir/w2-1")->room = 0;
	assert_int_equal(send_note(&f, 1), 0);
	bridge_close(f.a.bridge, 30000000, on_closed);
	run_for(&f, 10000000);
	assert_int_equal(f.a.closes, 0);
	run_for(&f, 40000000);
	assert_int_equal(f.a.closes, 1);
	end(&f);
}

static void bridge_closes_when_its_last_peer_dies(void **state)
{
	struct fixture f;

	(void)state;
	begin_both(&f);
	find_inbox(&f.sim, "dir/w2-1")->room = 0;
	bridge_close(f.a.bridge, 5000000000, on_closed);
	turn(&f, 3);
	assert_int_equal(f.a.closes, 0);
	bridge_peer_down(f.a.bridge, 2, 1);
	run_for(&f, 10000000);
	assert_int_equal(f.a.closes, 1);
	end(&f);
}

static void bridge_refuses_numbers_that_no_worker_has(void **state)
{
	struct bridge_config config = {.directory = "dir", .worker = 0, .incarnation = 1};
	struct bridge *bridge;

	(void)state;
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
	config.worker = LIMIT_WORKERS + 1;
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
	config.worker = 1;
	config.incarnation = 0;
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_sends_one_frame_for_all_of_a_pass),
		cmocka_unit_test(bridge_passes_messages_up_to_the_limit),
		cmocka_unit_test(
			bridge_refuses_sends_and_takes_replies_when_peer_does_not_read),
		cmocka_unit_test(bridge_loses_replies_only_beyond_the_hard_limit),
		cmocka_unit_test(bridge_delivers_a_bounded_amount_in_one_pass),
		cmocka_unit_test(bridge_tells_of_gaps),
		cmocka_unit_test(bridge_reaches_nobody_else),
		cmocka_unit_test(bridge_answers_a_peer_that_it_has_not_been_told_of),
		cmocka_unit_test(bridge_tells_of_death_after_the_last_mail),
		cmocka_unit_test(bridge_drops_late_frames_of_the_dead),
		cmocka_unit_test(bridge_takes_a_successor_before_the_predecessors_end_is_told),
		cmocka_unit_test(bridge_believes_the_master_more_than_a_frame),
		cmocka_unit_test(bridge_checks_who_speaks_and_to_whom),
		cmocka_unit_test(bridge_survives_malformed_frames),
		cmocka_unit_test(bridge_closes_when_the_peer_has_everything),
		cmocka_unit_test(bridge_closes_when_all_close_at_once),
		cmocka_unit_test(bridge_closes_by_the_deadline_when_a_peer_is_silent),
		cmocka_unit_test(bridge_closes_when_its_last_peer_dies),
		cmocka_unit_test(bridge_refuses_numbers_that_no_worker_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
