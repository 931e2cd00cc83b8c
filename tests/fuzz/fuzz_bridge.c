/* fuzz_bridge.c - frames of hostile peers, through a bridge, to a runtime with actors behind
 * it.
 *
 * The input is a row of steps: a frame as it is, a frame of envelopes that make sense up to a
 * point, what the master says, arenas of peers and what lies there, time. What we send must
 * read well and be numbered without gaps, and each call of ours must end in exactly one way.
 */
#include "base/check.h"
#include "base/cleanup.h"
#include "proto/envelope_inside.h"
#include "proto/text_call.h"
#include "tests/fuzz/bridge_host.h"
#include "tests/unit/sim/lone.h"
#include "tests/unit/sim/sim.h"
#include "tests/unit/sim/texts.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- input */

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned take_byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

static const uint8_t *take_bytes(struct input *input, size_t *size)
{
	const uint8_t *at = input->at;

	if (*size > input->left)
		*size = input->left;
	input->at += *size;
	input->left -= *size;
	return at;
}

/* ---- the agent's part */

static int forward(void *context, const struct envelope *envelope,
		   const struct troupe_type *type, const void *data,
		   const struct envelope_meaning *meaning)
{
	int r = bridge_send(((struct host *)context)->bridge, envelope, type, data, meaning);

	check(r != -EAGAIN || envelope->kind == ENVELOPE_SEND ||
	      envelope->kind == ENVELOPE_CALL);
	return r;
}

static bool find_layout(void *context, struct process from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name)
{
	return bridge_find_layout(((struct host *)context)->bridge, from, hash, ret_type,
				  ret_name);
}

static const struct runtime_ops runtime_ops = {
	.forward = forward,
	.find_layout = find_layout,
	.find_name = lone_find_name,
	.check_text = texts_check,
	.read_text = texts_read,
	.print_text = texts_print,
	.on_end = lone_on_end,
	.on_log = lone_on_log,
};

static void on_envelope(void *context, struct process peer, const struct envelope *envelope)
{
	runtime_deliver(((struct host *)context)->runtime, peer, envelope);
}

static void on_room(void *context, struct process peer)
{
	runtime_link_room(((struct host *)context)->runtime, peer);
}

static void on_down(void *context, struct process peer, bool crashed)
{
	runtime_peer_down(((struct host *)context)->runtime, peer,
			  crashed ? TROUPE_ACTOR_DIED : TROUPE_PEER_DOWN);
}

static void on_gap(void *context, struct process peer, uint64_t lost)
{
	(void)context;
	(void)peer;
	check(lost > 0);
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	(void)context;
	(void)envelope;
	check(reason);
}

static void on_arena_wanted(void *context, struct process process)
{
	check(process.worker <= 1 + PEERS && process.incarnation > 0);
	((struct host *)context)->is_wanted |= process.worker == US;
}

static const struct bridge_ops bridge_ops = {on_envelope, on_room,    on_down,
					     on_gap,      on_dropped, on_arena_wanted};

#define ARENA (4 * LIMIT_ARENA_PIECE)

static int make_arena(void)
{
	int fd = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && ftruncate(fd, ARENA) == 0);
	check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	return fd;
}

/* The master gives what is wanted, and what is not. */
static void give_arenas(struct host *host)
{
	cleanup_close int own = -1;

	if (host->is_wanted) {
		own = make_arena();
		(void)bridge_add_arena(host->bridge, us, own);
	}
	routes_foreach (route, &host->bridge->routes)
		if (route->link)
			(void)bridge_add_arena(host->bridge, route->link->peer, host->arena);
}

static void begin(struct host *host)
{
	const struct runtime_type *type;
	const char *why;
	struct bridge_config bridge = {.transport = {&wire_ops, host},
				       .directory = "",
				       .process = us,
				       .ops = &bridge_ops,
				       .context = host};
	struct runtime_config runtime = {.process = us,
					 .page = &host->page,
					 .ops = &runtime_ops,
					 .context = host,
					 .max_actors = 16,
					 .max_calls = 256,
					 .max_kept_calls = 256};

	host->arena = make_arena();
	host->memory = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED, host->arena, 0);
	check(host->memory != MAP_FAILED);
	memset(host->text, 'x', sizeof(host->text) - 1);
	host->large.text = host->text;
	check(loop_new(&host->loop) == 0);
	runtime.loop = bridge.loop = host->loop;
	check(runtime_new(&runtime, &host->runtime) == 0);
	check(runtime_type_add(host->runtime, &puppet_table, host, &type, &why) == 0);
	check(runtime_unit_define(host->runtime, &(struct runtime_unit){.number = 1,
									.name = "puppet",
									.type = type,
									.mailbox = 8}) == 0);
	check(runtime_spawn(host->runtime, 1, 0, NULL, &host->actor) == 0);
	check(bridge_new(&bridge, &host->bridge) == 0);
}

/* ---- steps */

static struct troupe_address peer_address(unsigned choice)
{
	return (struct troupe_address){.worker = (uint16_t)(2 + choice % PEERS),
				       .incarnation = 1 + choice / 4 % 4,
				       .slot = 1,
				       .generation = 1};
}

/* An order in wire form, or what stands in the input. */
static size_t make_payload(struct input *input, unsigned choice, unsigned char payload[512])
{
	struct order order = {.number = take_byte(input), .text = "x"};
	size_t size = take_byte(input);

	if (choice & 1) {
		memcpy(payload, take_bytes(input, &size), size);
		return size;
	}
	check(codec_size(&order_type, &order, &size, NULL) == 0);
	codec_encode(&order_type, &order, payload, size);
	return size;
}

/* A call by name in wire form, of an order or of what stands in the input; or the latter. */
static size_t make_text(struct input *input, unsigned choice, unsigned char payload[512])
{
	char text[256] = "{\"number\":0,\"text\":\"x\"}";
	struct text_call call = {.method = "test.puppet.Obey", .parameters = {text, 24}};
	unsigned number = take_byte(input);
	size_t size = take_byte(input);

	if (choice & 1) {
		memcpy(payload, take_bytes(input, &size), size);
		return size;
	}
	if (choice & 32)
		memcpy(text, take_bytes(input, &size), size);
	else
		text[10] = (char)('0' + number % 10);
	call.parameters.size = choice & 32 ? size : 24;
	if (choice & 16)
		call.method += number % 17;
	check(codec_size(&text_call_type, &call, &size, NULL) == 0);
	codec_encode(&text_call_type, &call, payload, size);
	return size;
}

/* The payload goes to the arena, or something is there already; the reference is right, or
 * not. */
static size_t make_reference(struct host *host, struct input *input, size_t size,
			     unsigned char payload[512])
{
	unsigned choice = take_byte(input);
	struct envelope_reference reference = {.piece = choice & 3, .size = (uint32_t)size};

	if (choice & 4)
		memcpy(host->memory + reference.piece * LIMIT_ARENA_PIECE, payload, size);
	if (choice & 8)
		reference.piece = take_byte(input) << (take_byte(input) % 25);
	if (choice & 16)
		reference.size = take_byte(input) << (take_byte(input) % 25);
	memcpy(payload, &reference, sizeof(reference));
	return sizeof(reference);
}

static size_t make_return(struct input *input, unsigned char payload[512])
{
	uint32_t n = 1 + take_byte(input) % 4;

	for (uint32_t i = 0; i < n; i++)
		memcpy(payload + i * 4, &(uint32_t){take_byte(input)}, 4);
	return n * 4;
}

static void add_envelope(struct host *host, struct input *input, struct envelope_batch *batch,
			 struct troupe_address from)
{
	static const uint64_t hashes[] = {IN_HASH, OUT_HASH, ERROR_HASH, 0x999};
	unsigned choice = take_byte(input);
	struct envelope envelope = {.kind = take_byte(input) % (ENVELOPE_KIND_COUNT + 1),
				    .flags = take_byte(input) & 31,
				    .status = take_byte(input) % (TROUPE_STATUS_COUNT + 1)};
	unsigned char payload[512];
	bool is_text;
	void *place;

	/* What such an envelope must have it gets, for otherwise it ends at the reader. */
	if (envelope.kind < ENVELOPE_LAYOUT || envelope.kind == ENVELOPE_MOVED ||
	    envelope.kind == ENVELOPE_TAKEN) {
		envelope.from = from;
		if (choice & 4 && envelope.kind <= ENVELOPE_CALL) {
			envelope.from = peer_address(take_byte(input));
			envelope.flags |= ENVELOPE_FORWARDED;
			envelope.unread = take_byte(input) << 4;
			envelope.unread_bytes = (uint32_t)take_byte(input) << 16;
		}
		envelope.to = host->actor;
		envelope.to.incarnation = batch->to.incarnation;
		envelope.to.slot ^= choice >> 6;
	}
	is_text = envelope.kind == ENVELOPE_CALL && envelope.flags & ENVELOPE_TEXT;
	if (envelope.kind <= ENVELOPE_ERROR && !is_text)
		envelope.hash = hashes[take_byte(input) % ARRAY_LEN(hashes)];
	if (envelope.kind >= ENVELOPE_CALL && envelope.kind != ENVELOPE_LAYOUT &&
	    envelope.kind != ENVELOPE_ROOM && envelope.kind < ENVELOPE_END)
		envelope.call =
			choice & 8 ? 1 + take_byte(input)
				   : host->calls[take_byte(input) % ARRAY_LEN(host->calls)];
	if (envelope.kind != ENVELOPE_FAILURE)
		envelope.status = 0;
	if (envelope.kind == ENVELOPE_CALL)
		envelope.deadline_ns = loop_now_ns(host->loop) + take_byte(input) * 10000000ull;
	if (envelope.kind <= ENVELOPE_FAILURE || choice & 2)
		envelope.size = is_text ? make_text(input, choice, payload)
					: make_payload(input, choice, payload);
	if (envelope.flags & ENVELOPE_LENT)
		envelope.size = make_reference(host, input, envelope.size, payload);
	if (envelope.kind == ENVELOPE_RETURN)
		envelope.size = make_return(input, payload);
	if (envelope.kind == ENVELOPE_TAKEN) {
		envelope.size = sizeof(struct envelope_taken);
		memset(payload, take_byte(input), envelope.size);
	}
	if (envelope_batch_add(batch, &envelope, &place) == 0 && envelope.size > 0)
		memcpy(place, payload, envelope.size);
}

static void put_batch(struct host *host, struct input *input)
{
	struct troupe_address from = peer_address(take_byte(input));
	uint64_t *sequence = &host->sequence[from.worker - 2][from.incarnation - 1];
	struct process to = us;
	unsigned choice = take_byte(input);
	struct envelope_batch batch;
	const void *data;
	size_t size;

	/* Seldom for a former life of ours. */
	to.incarnation = choice == 64 ? 9 : 1;
	envelope_batch_init(&batch, BRIDGE_BATCH, process_of(from), to,
			    1 + *sequence + (choice & 128 ? choice & 7 : 0));
	for (unsigned i = 0; i <= choice % 8; i++)
		add_envelope(host, input, &batch, from);
	if (batch.count > 0) {
		data = envelope_batch_data(&batch, &size);
		wire_put(host, data, size);
		*sequence = batch.sequence + batch.count - 1;
	}
	envelope_batch_fini(&batch);
}

static void put_raw(struct host *host, struct input *input)
{
	struct troupe_address from = peer_address(take_byte(input));
	size_t size = take_byte(input) * 4;
	const uint8_t *data = take_bytes(input, &size);
	unsigned char head[ENVELOPE_BATCH_HEAD] = {'T', 'R', 'P', '1', ENVELOPE_VERSION};
	unsigned char frame[ENVELOPE_BATCH_HEAD + 1024];
	uint32_t count = 1, total = (uint32_t)(sizeof(head) + size);
	uint64_t sequence = 1 + host->sequence[from.worker - 2][from.incarnation - 1];

	memcpy(head + 8, &count, 4);
	memcpy(head + 12, &total, 4);
	memcpy(head + 16, &sequence, 8);
	memcpy(head + 24, &from, sizeof(struct process));
	memcpy(head + 32, &us, sizeof(us));
	memcpy(frame, head, sizeof(head));
	memcpy(frame + sizeof(head), data, size);
	wire_put(host, frame, total);
}

static void pass(struct host *host)
{
	sim_io_ready(&host->bridge->inbox_io, LOOP_READ);
	for (unsigned i = 2; i < 2 + PEERS; i++)
		if (host->bridge->routes.by_worker[i].link && host->room > 0)
			sim_io_ready(&host->bridge->routes.by_worker[i].link->io, LOOP_READ);
	loop_step(host->loop, false);
}

static void step(struct host *host, struct input *input)
{
	size_t size;

	switch (take_byte(input) % 9) {
	case 0:
		size = take_byte(input);
		wire_put(host, take_bytes(input, &size), size);
		break;
	case 1:
		put_raw(host, input);
		break;
	case 2:
		(void)bridge_peer_up(host->bridge, process_of(peer_address(take_byte(input))));
		break;
	case 3:
		bridge_peer_down(host->bridge, process_of(peer_address(take_byte(input))),
				 true);
		break;
	case 4:
		host->room = take_byte(input);
		sim_advance(host->loop, take_byte(input) * 1000000ull);
		break;
	case 8:
		give_arenas(host);
		break;
	default:
		put_batch(host, input);
		break;
	}
	pass(host);
}

static void on_closed(void *context)
{
	((struct host *)context)->is_closed = true;
}

/* In order: the actors end, the links close, whatever the peers do. */
static void end(struct host *host)
{
	routes_foreach (route, &host->bridge->routes)
		if (route->link && route->link->peer.worker != 2)
			bridge_peer_down(host->bridge, route->link->peer, false);
	/* No new ones; the deadlines of the others pass. */
	host->begun = CALLS_MAX;
	sim_advance(host->loop, 2 * SECOND_NS);
	for (unsigned i = 0; i < 20; i++)
		pass(host);
	check(host->open == 0);
	runtime_stop_all(host->runtime);
	pass(host);
	bridge_close(host->bridge, SECOND_NS, on_closed);
	sim_advance(host->loop, SECOND_NS);
	for (unsigned i = 0; i < 20; i++)
		pass(host);
	check(host->is_closed);
	runtime_free(host->runtime);
	bridge_free(host->bridge);
	loop_free(host->loop);
	(void)munmap(host->memory, ARENA);
	close(host->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct host host = {.room = 1000};

	begin(&host);
	for (unsigned i = 0; i < 200 && input.left > 0; i++)
		step(&host, &input);
	end(&host);
	return 0;
}
