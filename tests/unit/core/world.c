#include "world.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include "core/runq.h"
#include "core/share.h"
#include "proto/cause.h"
#include "proto/layout.h"
#include "slab_count.h"

/* ------------------------------------------------------------------ descriptors */

static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_type optional_type = {
	.kind = TROUPE_OPTIONAL, .align = 8, .size = 8, .item = &int_type};

static const struct troupe_field num_fields[] = {{.name = "n", .type = &int_type}};
static const struct troupe_field text_fields[] = {{.name = "text", .type = &string_type}};
static const struct troupe_field wide_fields[] = {
	{.name = "n", .type = &int_type},
	{.name = "more", .type = &optional_type, .offset = 8}};
static const struct troupe_field odd_fields[] = {{.name = "m", .type = &int_type}};

#define STRUCT_TYPE(fields_, flags_, size_)                                                    \
	{                                                                                      \
		.kind = TROUPE_STRUCT, .flags = flags_, .align = 8, .size = size_,             \
		.count = sizeof(fields_) / sizeof((fields_)[0]), .fields = fields_             \
	}
const struct troupe_type num_type = STRUCT_TYPE(num_fields, TROUPE_TYPE_PLAIN, 8);
/* With steps, as troupe-gen gives them to the like. */
static const struct troupe_step text_step = {.kind = TROUPE_STEP_TEXT, .count = 1};
const struct troupe_type text_type = {
	.kind = TROUPE_STRUCT,
	.flags = TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK,
	.align = 8,
	.size = 8,
	.count = 1,
	.fields = text_fields,
	.steps = &text_step,
	.n_steps = 1,
	.levels = 1,
};
const struct troupe_type wide_type = STRUCT_TYPE(wide_fields, 0, 16);
static const struct troupe_type odd_type = STRUCT_TYPE(odd_fields, TROUPE_TYPE_PLAIN, 8);
const struct troupe_type empty_type = {
	.kind = TROUPE_STRUCT, .flags = TROUPE_TYPE_PLAIN, .align = 1};

#define METHOD(name_, in_, out_, hash_)                                                        \
	{                                                                                      \
		.table_size = sizeof(struct troupe_method), .interface = "test.puppet",        \
		.name = name_, .in = in_, .out = out_, .in_hash = hash_,                       \
		.out_hash = (hash_) + 1                                                        \
	}
const struct troupe_method num_method = METHOD("Num", &num_type, &num_type, 0x100);
const struct troupe_method text_method = METHOD("Text", &text_type, &text_type, 0x200);
const struct troupe_method none_method = METHOD("None", &empty_type, &empty_type, 0x300);
const struct troupe_method wide_method = METHOD("Num", &wide_type, &wide_type, 0x110);
const struct troupe_method odd_method = METHOD("Num", &odd_type, &odd_type, 0x120);
static const struct troupe_method lost_method = METHOD("Lost", &num_type, &num_type, 0x400);
const struct troupe_error bad_error = {.table_size = sizeof(bad_error),
				       .name = "test.puppet.Bad",
				       .type = &text_type,
				       .hash = 0x500};

static const struct troupe_method *const methods[] = {&num_method, &text_method, &none_method};
static const struct troupe_method *const wide_methods[] = {&wide_method, &text_method,
							   &none_method};
static const struct troupe_error *const errors[] = {&bad_error};
#define INTERFACE(methods_)                                                                    \
	{                                                                                      \
		.table_size = sizeof(struct troupe_interface), .name = "test.puppet",          \
		.description = "", .methods = methods_, .n_methods = ARRAY_LEN(methods_),      \
		.errors = errors, .n_errors = ARRAY_LEN(errors)                                \
	}
static const struct troupe_interface interface = INTERFACE(methods);
static const struct troupe_interface wide_interface = INTERFACE(wide_methods);

/* ------------------------------------------------------------------ puppets */

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

#define note(self, me, ...)                                                                    \
	do {                                                                                   \
		world_note(world_of(self), "%d:", (int)(me)->id);                              \
		world_note(world_of(self), __VA_ARGS__);                                       \
		world_note(world_of(self), "; ");                                              \
	} while (0)

static int on_num(struct troupe_self *self, void *state, struct troupe_call call,
		  const void *in)
{
	const struct num *num = in;

	note(self, (struct puppet *)state, "num %d", (int)num->n);
	if (world_of(self)->hooks.num)
		return world_of(self)->hooks.num(self, state, call, num->n);
	return troupe_return(self, call, &num_method, &(struct num){num->n + 1});
}

static int on_wide(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	const struct wide *wide = in;

	note(self, (struct puppet *)state, "wide %d %s", (int)wide->n,
	     wide->more ? "more" : "less");
	return troupe_return(self, call, &wide_method, &(struct wide){wide->n + 1, &wide->n});
}

static int on_text(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	const struct text *text = in;

	note(self, (struct puppet *)state, "text %.20s", text->text);
	if (world_of(self)->hooks.text)
		return world_of(self)->hooks.text(self, state, call, text->text);
	return troupe_return(self, call, &text_method, text);
}

static troupe_handler_fn *const functions[] = {on_num, on_text, NULL};
static troupe_handler_fn *const wide_functions[] = {on_wide, on_text, NULL};
#define HANDLERS(interface_, functions_)                                                       \
	{                                                                                      \
		.table_size = sizeof(struct troupe_handlers),                                  \
		.n_handlers = ARRAY_LEN(functions_), .interface = interface_,                  \
		.handlers = functions_                                                         \
	}
static const struct troupe_handlers handlers = HANDLERS(&interface, functions);
static const struct troupe_handlers wide_handlers = HANDLERS(&wide_interface, wide_functions);

static const char *const status_words[TROUPE_STATUS_COUNT] = {
	"ok",      "error",      "no-such-actor",  "died",     "peer-down",
	"timeout", "overloaded", "cancelled",      "no-reply", "failed",
	"invalid", "not-found",  "not-implemented"};

/* What is common to all replies. */
static void note_reply(struct troupe_self *self, void *state, uint64_t context,
		       const struct troupe_reply *reply)
{
	struct puppet *me = state;

	assert_int_equal(reply->head.size, sizeof(*reply));
	assert_int_equal(reply->head.kind, TROUPE_ENTRY_REPLY);
	world_note(world_of(self), "%d:reply%u %s%s", (int)me->id, (unsigned)context,
		   status_words[reply->status], reply->continues ? "+" : "");
	if (reply->status == TROUPE_ERROR)
		world_note(world_of(self), " %s", reply->error_name);
	if (reply->status == TROUPE_ERROR && reply->error)
		world_note(world_of(self), " %s", ((const struct text *)reply->data)->text);
	if (reply->code)
		world_note(world_of(self), " (%s)", strerrorname_np(-reply->code));
	if (reply->detail)
		world_note(world_of(self), " (%s)", reply->detail);
}

static int on_num_reply(struct troupe_self *self, void *state, uint64_t context,
			const void *event)
{
	const struct troupe_reply *reply = event;

	world_of(self)->replies++;
	note_reply(self, state, context, reply);
	if (reply->status == TROUPE_OK)
		world_note(world_of(self), " %d", (int)((const struct num *)reply->data)->n);
	world_note(world_of(self), "; ");
	return world_of(self)->hooks.reply
		       ? world_of(self)->hooks.reply(self, state, context, reply)
		       : 0;
}

static int on_text_reply(struct troupe_self *self, void *state, uint64_t context,
			 const void *event)
{
	const struct troupe_reply *reply = event;

	note_reply(self, state, context, reply);
	if (reply->status == TROUPE_OK)
		world_note(world_of(self), " %.20s", ((const struct text *)reply->data)->text);
	world_note(world_of(self), "; ");
	return world_of(self)->hooks.reply
		       ? world_of(self)->hooks.reply(self, state, context, reply)
		       : 0;
}

static int on_tick(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_event_head *head = event;

	assert_int_equal(head->size, sizeof(*head));
	assert_int_equal(head->kind, TROUPE_ENTRY_TIMER);
	note(self, (struct puppet *)state, "tick%u", (unsigned)context);
	return world_of(self)->hooks.tick ? world_of(self)->hooks.tick(self, state, context)
					  : 0;
}

static int init(struct troupe_self *self, void *state, const void *config)
{
	struct puppet *me = state;

	me->id = ((const struct num *)config)->n;
	if (me->id < (int)ARRAY_LEN(world_of(self)->actors))
		world_of(self)->actors[me->id] = troupe_address(self);
	return world_of(self)->hooks.init ? world_of(self)->hooks.init(self, me) : 0;
}

static void fini(struct troupe_self *self, void *state, enum troupe_cause cause)
{
	note(self, (struct puppet *)state, "fini %s", cause_name(cause));
	if (world_of(self)->hooks.fini)
		world_of(self)->hooks.fini(self, state, cause);
}

static int on_room(struct troupe_self *self, void *state, struct troupe_address where,
		   struct troupe_call call)
{
	world_of(self)->rooms++;
	world_of(self)->room_of = call;
	note(self, (struct puppet *)state, "room");
	return world_of(self)->hooks.room ? world_of(self)->hooks.room(self, state, where) : 0;
}

static int on_cancel(struct troupe_self *self, void *state, struct troupe_call call)
{
	note(self, (struct puppet *)state, "cancel");
	return world_of(self)->hooks.cancel ? world_of(self)->hooks.cancel(self, state, call)
					    : 0;
}

static const struct troupe_life life = {.table_size = sizeof(life),
					.init = init,
					.fini = fini,
					.on_room = on_room,
					.on_cancel = on_cancel};

#define REPLY_ENTRY(name_, method_, interface_, function)                                      \
	{                                                                                      \
		.table_size = sizeof(struct troupe_entry), .kind = TROUPE_ENTRY_REPLY,         \
		.name = name_, .method = method_, .interface = interface_,                     \
		.on_event = function                                                           \
	}
#define TIMER_ENTRY(name_)                                                                     \
	{                                                                                      \
		.table_size = sizeof(struct troupe_entry), .kind = TROUPE_ENTRY_TIMER,         \
		.name = name_, .on_event = on_tick                                             \
	}
const struct troupe_entry num_entry = REPLY_ENTRY("num", &num_method, &interface, on_num_reply);
const struct troupe_entry wide_entry =
	REPLY_ENTRY("wide", &wide_method, &wide_interface, on_num_reply);
const struct troupe_entry text_entry =
	REPLY_ENTRY("text", &text_method, &interface, on_text_reply);
static const struct troupe_entry none_entry =
	REPLY_ENTRY("none", &none_method, &interface, on_text_reply);
static const struct troupe_entry lost_entry =
	REPLY_ENTRY("lost", &lost_method, &interface, on_num_reply);
static const struct troupe_entry odd_entry =
	REPLY_ENTRY("odd", &odd_method, &interface, on_num_reply);
const struct troupe_entry tick_entry = TIMER_ENTRY("tick");
const struct troupe_entry foreign_entry = TIMER_ENTRY("foreign");

const struct troupe_actor puppet_table = {
	TROUPE_ABI(puppet),
	.state_size = sizeof(struct puppet),
	.config = &num_type,
	.life = &life,
	.interfaces = {&handlers},
	.entries = {&num_entry, &wide_entry, &text_entry, &tick_entry, &none_entry, &lost_entry,
		    &odd_entry},
};
const struct troupe_actor wide_table = {
	TROUPE_ABI(wide), .state_size = sizeof(struct puppet), .config = &num_type,
	.life = &life,    .interfaces = {&wide_handlers},
};

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

	if (type)
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

static void on_failure(void *context, const struct runtime_failure *failure)
{
	struct world *world = context;

	world->failures++;
	snprintf(world->last_failure, sizeof(world->last_failure), "%s %u%s %s %d %s",
		 failure->actor, failure->version, failure->is_child ? " child" : "",
		 failure->method ? failure->method->name : failure->doing, failure->error,
		 failure->detail);
}

static const struct runtime_ops ops = {forward, find_layout, find_name, on_end, on_dead_letter,
				       on_log,  on_failure,  NULL,      NULL};

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
	struct slots *tables[] = {&runtime->actors, &runtime->calls,  &runtime->kept_calls,
				  &runtime->kept,   &runtime->timers, &runtime->waits};

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
	assert_int_equal(runtime->kept_calls.count, 0);
	assert_int_equal(runtime->kept.count, 0);
	assert_int_equal(runtime->timers.count, 0);
	assert_int_equal(runtime->waits.count, 0);
	assert_int_equal(runtime->colds.count, 0);
	assert_int_equal(runtime->wheel.count, 0);
	assert_int_equal(runtime->inbound.count, 0);
	assert_int_equal(runtime->waits_by_key.count, 0);
	assert_int_equal(slab_count(&runtime->messages), 0);
	assert_int_equal(slab_count(&runtime->states), 0);
}
