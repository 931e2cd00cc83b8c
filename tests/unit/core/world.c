#include "world.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/runq.h"
#include "core/share.h"
#include "slab_count.h"
#include "tests/unit/sim/texts.h"

struct world *world_of(const struct troupe_self *self)
{
	return self->runtime->context;
}

void world_note(struct world *world, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	world->log_size +=
		(size_t)vsnprintf(world->log + world->log_size,
				  sizeof(world->log) - world->log_size, format, arguments);
	va_end(arguments);
	if (world->log_size >= sizeof(world->log))
		world->log_size = sizeof(world->log) - 1;
}

const char *world_log(struct world *world)
{
	world->log[world->log_size] = '\0';
	world->log_size = 0;
	return world->log;
}

/* ------------------------------------------------------------------ what a runtime asks of its
 * host */

static int forward(void *context, const struct envelope *envelope,
		   const struct troupe_type *type, const void *data,
		   const struct envelope_meaning *meaning)
{
	struct world *world = context, *to;
	struct net *net = world->net;
	struct envelope copy = *envelope;
	struct envelope_batch batch;
	struct parcel *parcel;
	const void *bytes;
	void *payload;
	size_t size;
	int r;

	if (type && !(envelope->flags & ENVELOPE_TEXT))
		assert_true(
			meaning &&
			(meaning->interface ? strcmp(meaning->interface, "test.puppet") == 0
					    : strncmp(meaning->name, "test.puppet.", 12) == 0));
	if (!net || envelope->to.worker > WORLDS)
		return -EHOSTUNREACH;
	to = net->worlds[envelope->to.worker];
	if (!to || to->process.node != envelope->to.node)
		return -EHOSTUNREACH;
	if (net->full && (envelope->kind == ENVELOPE_SEND || envelope->kind == ENVELOPE_CALL))
		return -EAGAIN;
	if (type)
		assert_int_equal(codec_size(type, data, &copy.size, NULL), 0);
	envelope_batch_init(&batch, 1 << 20, world->process, process_of(envelope->to), 0);
	r = envelope_batch_add(&batch, &copy, &payload);
	if (r == -ENOMEM) {
		envelope_batch_fini(&batch);
		return r;
	}
	if (r < 0) {
		/* An answer to what was for a former life; a bridge lets none such in. */
		assert_int_equal(r, -EINVAL);
		assert_int_not_equal(copy.from.incarnation, world->process.incarnation);
		envelope_batch_fini(&batch);
		return r;
	}
	if (type)
		codec_encode(type, data, payload, copy.size);
	else if (copy.size)
		memcpy(payload, envelope->payload, copy.size);
	bytes = envelope_batch_data(&batch, &size);
	parcel = aligned_alloc(16, (sizeof(*parcel) + size + 15) / 16 * 16);
	*parcel = (struct parcel){.from = world->process, .size = size};
	memcpy(parcel->bytes, bytes, size);
	envelope_batch_fini(&batch);
	if (net->first[to->process.worker])
		net->last[to->process.worker]->next = parcel;
	else
		net->first[to->process.worker] = parcel;
	net->last[to->process.worker] = parcel;
	return 0;
}

static bool find_layout(void *context, struct process from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name)
{
	static const struct troupe_method *const known[] = {&num_method,  &text_method,
							    &none_method, &wide_method,
							    &odd_method,  &lost_method};

	(void)context;
	(void)from;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		static const char *const names[] = {"test.puppet.Num",  "test.puppet.Text",
						    "test.puppet.None", "test.puppet.Num",
						    "test.puppet.Num",  "test.puppet.Lost"};

		if (hash != known[i]->in_hash && hash != known[i]->out_hash)
			continue;
		*ret_type = hash == known[i]->in_hash ? known[i]->in : known[i]->out;
		*ret_name = names[i];
		return true;
	}
	if (hash == bad_error.hash) {
		*ret_type = bad_error.type;
		*ret_name = bad_error.name;
		return true;
	}
	return false;
}

static int find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	struct world *world = context;

	if (strcmp(name, "puppet") != 0)
		return -ENOENT;
	*ret_address = world->actors[1];
	return 0;
}

static void on_end(void *context, const struct runtime_end *end)
{
	struct world *world = context;

	(void)end;
	world->ends++;
}

static void on_dead_letter(void *context, struct troupe_address from, struct troupe_address to,
			   const char *name, const char *reason)
{
	struct world *world = context;

	(void)from;
	(void)to;
	world->dead_letters++;
	/* of sends: those of calls, which have another method in the storm, are answered */
	if (strcmp(name, "test.puppet.Text") != 0)
		world->dead_sends++;
	snprintf(world->last_dead_letter, sizeof(world->last_dead_letter), "%s", reason);
}

static void on_log(void *context, uint32_t unit, int priority, const char *actor,
		   const char *text)
{
	(void)unit;
	world_note(context, "log %d %s %s; ", priority, actor, text);
}

static void on_busy(void *context)
{
	struct world *world = context;

	world->wakes++;
}

static void on_failure(void *context, const struct runtime_failure *failure)
{
	struct world *world = context;

	world->failures++;
	snprintf(world->last_failure, sizeof(world->last_failure), "%s %u%s %s%s%s %d %s",
		 failure->actor, failure->version, failure->is_child ? " child" : "",
		 failure->method ? failure->method->name : failure->doing,
		 failure->task ? " " : "", failure->task ? failure->task : "", failure->error,
		 failure->detail);
}

static int find_provider(void *context, const char *interface,
			 struct troupe_address *ret_address)
{
	if (strcmp(interface, "test.several") == 0)
		return -ENOTUNIQ;
	return find_name(context, strcmp(interface, "test.puppet") == 0 ? "puppet" : "",
			 ret_address);
}

static const struct runtime_ops ops = {.forward = forward,
				       .find_layout = find_layout,
				       .find_name = find_name,
				       .find_provider = find_provider,
				       .check_text = texts_check,
				       .read_text = texts_read,
				       .print_text = texts_print,
				       .on_end = on_end,
				       .on_dead_letter = on_dead_letter,
				       .on_log = on_log,
				       .on_failure = on_failure,
				       .on_busy = on_busy};

/* ------------------------------------------------------------------ worlds */

void world_init(struct world *world, uint16_t worker, const struct runtime_config *limits)
{
	struct runtime_config config = limits ? *limits : (struct runtime_config){0};
	const char *why;
	static const char plugin[1];

	config.process.worker = worker;
	config.process.incarnation += config.process.incarnation == 0;
	*world = (struct world){.process = config.process};
	assert_int_equal(loop_new(&world->loop), 0);
	world->page = calloc(1, sizeof(*world->page));
	config.loop = world->loop;
	config.page = world->page;
	config.ops = &ops;
	config.context = world;
	config.seed = config.seed ? config.seed : 7;
	assert_int_equal(runtime_new(&config, &world->runtime), 0);
	assert_int_equal(
		runtime_type_add(world->runtime, &puppet_table, plugin, &world->type, &why), 0);
	assert_int_equal(
		runtime_type_add(world->runtime, &wide_table, plugin, &world->wide, &why), 0);
	assert_int_equal(
		runtime_type_add(world->runtime, &tasker_table, plugin, &world->tasker, &why),
		0);
	world_unit(world, 1, world->type, 0, 0, 0);
}

void world_restart(struct world *world, struct net *net)
{
	struct hooks hooks = world->hooks;
	void *test = world->test;
	struct runtime_config config = {.process = world->process};

	config.process.incarnation++;
	world_init(world, config.process.worker, &config);
	world->hooks = hooks;
	world->test = test;
	world_link(world, net);
}

void world_fini(struct world *world)
{
	if (world->net)
		world->net->worlds[world->process.worker] = NULL;
	runtime_free(world->runtime);
	if (world->on_gone)
		world->on_gone(world);
	loop_free(world->loop);
	free(world->page);
	world->runtime = NULL;
}

void world_finish(struct world *world)
{
	runtime_stop_all(world->runtime);
	world_run(world);
	world_assert_empty(world);
	world_fini(world);
}

void world_link(struct world *world, struct net *net)
{
	world->net = net;
	net->worlds[world->process.worker] = world;
}

void world_unit(struct world *world, uint32_t number, const struct runtime_type *type,
		uint32_t mailbox, uint32_t mailbox_bytes, uint32_t batch)
{
	char name[32];

	snprintf(name, sizeof(name), "unit%u", number);
	assert_int_equal(
		runtime_unit_define(world->runtime,
				    &(struct runtime_unit){.number = number,
							   .name = name,
							   .type = type,
							   .mailbox = mailbox,
							   .mailbox_bytes = mailbox_bytes,
							   .batch = batch}),
		0);
}

struct troupe_address world_spawn_in(struct world *world, uint32_t unit, int64_t id)
{
	struct troupe_address address;

	assert_int_equal(runtime_spawn(world->runtime, unit, 0, &(struct num){id}, &address),
			 0);
	return address;
}

struct troupe_address world_spawn(struct world *world, int64_t id)
{
	return world_spawn_in(world, 1, id);
}

void world_run(struct world *world)
{
	do
		loop_step(world->loop, false);
	while (!runq_is_empty(world->runtime));
}

void world_sleep(struct world *world, uint64_t ns)
{
	sim_run_until(world->loop, loop_clock_ns(world->loop) + ns);
}

int world_send(struct world *world, struct troupe_address to, int64_t n)
{
	return runtime_client_send(world->runtime, to, &num_method, &(struct num){n}, 0);
}

bool net_carry_one(struct net *net, uint16_t worker)
{
	struct parcel *parcel = net->first[worker];
	struct world *world = net->worlds[worker];
	struct envelope_reader reader;
	struct envelope envelope;

	if (!parcel)
		return false;
	net->first[worker] = parcel->next;
	if (world) {
		assert_int_equal(envelope_reader_init(&reader, parcel->bytes, parcel->size), 0);
		assert_int_equal(envelope_reader_next(&reader, &envelope), 1);
		runtime_deliver(world->runtime, parcel->from, &envelope);
	}
	free(parcel);
	return true;
}

void net_run(struct net *net)
{
	bool busy = true;

	while (busy) {
		busy = false;
		for (uint16_t i = 1; i <= WORLDS; i++) {
			while (net_carry_one(net, i))
				busy = true;
			if (net->worlds[i])
				world_run(net->worlds[i]);
		}
		for (uint16_t i = 1; i <= WORLDS;
		     i++) /* what the later ones sent the earlier */
			busy |= net->first[i] != NULL;
	}
}

void net_fini(struct net *net)
{
	for (uint16_t i = 0; i <= WORLDS; i++)
		while (net->first[i]) {
			struct parcel *parcel = net->first[i];

			net->first[i] = parcel->next;
			free(parcel);
		}
}

void net_kill(struct net *net, uint16_t worker)
{
	struct world *dead = net->worlds[worker];
	struct process gone = dead->process;

	net->worlds[worker] = NULL;
	dead->net = NULL;
	world_fini(dead);
	for (uint16_t i = 1; i <= WORLDS; i++)
		if (net->worlds[i])
			runtime_peer_down(net->worlds[i]->runtime, gone, TROUPE_ACTOR_DIED);
}

void net_finish(struct net *net)
{
	for (uint16_t i = 1; i <= WORLDS; i++)
		if (net->worlds[i])
			runtime_stop_all(net->worlds[i]->runtime);
	net_run(net);
	for (uint16_t i = 1; i <= WORLDS; i++) {
		struct world *world = net->worlds[i];

		if (world) {
			world_assert_empty(world);
			world_fini(world);
		}
	}
	net_fini(net);
}

void world_count_shares(struct world *world)
{
	struct runtime *runtime = world->runtime;
	struct slots *tables[] = {&runtime->actors,  &runtime->calls,  &runtime->kept_calls,
				  &runtime->kept,    &runtime->timers, &runtime->waits,
				  &runtime->watches, &runtime->inlets, &runtime->tasks};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		tables[i]->scarce = tables[i]->base;
}

void world_assert_empty(struct world *world)
{
	const struct runtime *runtime = world->runtime;

	for (const struct definition *unit = runtime->units; unit; unit = unit->next)
		for (int kind = 0; kind < SHARE_KINDS; kind++)
			assert_int_equal(unit->share->held[kind], 0);
	assert_int_equal(runtime->n_actors, 0);
	assert_int_equal(runtime->calls.count, 0);
	assert_int_equal(runtime->call_windows.count, 0);
	assert_int_equal(runtime->items.count, 0);
	assert_int_equal(runtime->kept_calls.count, 0);
	assert_int_equal(runtime->kept.count, 0);
	assert_int_equal(runtime->timers.count, 0);
	assert_int_equal(runtime->waits.count, 0);
	assert_int_equal(runtime->watches.count, 0);
	assert_int_equal(runtime->watches_by_fd.count, 0);
	assert_int_equal(runtime->inlets.count, 0);
	assert_int_equal(runtime->tasks.count, runtime->stacks.n_abandoned);
	assert_int_equal(runtime->scopes.count, 0);
	assert_int_equal(runtime->belongings.count, 0);
	assert_int_equal(runtime->n_tasked, 0);
	assert_int_equal(runtime->stacks.n_used, 0);
	assert_int_equal(runtime->colds.count, 0);
	assert_int_equal(runtime->wheel.count, 0);
	assert_int_equal(runtime->inbound.count, 0);
	assert_int_equal(runtime->waits_by_key.count, 0);
	assert_int_equal(slab_count(&runtime->messages), runtime->n_aside);
	if (!runtime->lost) /* states are set aside, too */
		assert_int_equal(slab_count(&runtime->states), 0);
}
