/* puppet.c - the actors of a world: they do what the test says, and log what they see. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "proto/cause.h"
#include "world.h"

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
const struct troupe_method lost_method = METHOD("Lost", &num_type, &num_type, 0x400);
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

#define log_of(self, me, ...)                                                                  \
	do {                                                                                   \
		world_note(world_of(self), "%d:", (int)(me)->id);                              \
		world_note(world_of(self), __VA_ARGS__);                                       \
		world_note(world_of(self), "; ");                                              \
	} while (0)

static int on_num(struct troupe_self *self, void *state, struct troupe_call call,
		  const void *in)
{
	const struct num *num = in;

	log_of(self, (struct puppet *)state, "num %d", (int)num->n);
	if (world_of(self)->hooks.num)
		return world_of(self)->hooks.num(self, state, call, num->n);
	return troupe_return(self, call, &num_method, &(struct num){num->n + 1});
}

static int on_wide(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	const struct wide *wide = in;

	log_of(self, (struct puppet *)state, "wide %d %s", (int)wide->n,
	       wide->more ? "more" : "less");
	return troupe_return(self, call, &wide_method, &(struct wide){wide->n + 1, &wide->n});
}

static int on_text(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	const struct text *text = in;

	log_of(self, (struct puppet *)state, "text %.20s", text->text);
	if (world_of(self)->hooks.text)
		return world_of(self)->hooks.text(self, state, call, text->text);
	return troupe_return(self, call, &text_method, text);
}

static int on_none(struct troupe_self *self, void *state, struct troupe_call call,
		   const void *in)
{
	(void)in;
	log_of(self, (struct puppet *)state, "none");
	return troupe_return(self, call, &none_method, &(struct num){0});
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
static troupe_handler_fn *const tasker_functions[] = {on_num, on_text, on_none};
/* plain, task, alone */
static troupe_handler_fn *const tasker_ways[] = {NULL,    on_num,  NULL, NULL, NULL,
						 on_text, on_none, NULL, NULL};
static const struct troupe_handlers tasker_handlers = {
	.table_size = sizeof(struct troupe_handlers),
	.n_handlers = ARRAY_LEN(tasker_functions),
	.interface = &interface,
	.handlers = tasker_functions,
	.ways = tasker_ways,
};
static const struct troupe_handlers wide_handlers = HANDLERS(&wide_interface, wide_functions);

static const char *const status_words[TROUPE_STATUS_COUNT] = {
	"ok",      "error",      "no-such-actor",   "died",          "peer-down",
	"timeout", "overloaded", "cancelled",       "no-reply",      "failed",
	"invalid", "not-found",  "not-implemented", "expected-more", "denied"};

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

static int on_said(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_text_reply *reply = event;
	struct puppet *me = state;

	assert_int_equal(reply->head.size, sizeof(*reply));
	assert_int_equal(reply->head.kind, TROUPE_ENTRY_TEXT);
	world_of(self)->replies++;
	world_note(world_of(self), "%d:said%u %s%s", (int)me->id, (unsigned)context,
		   status_words[reply->status], reply->continues ? "+" : "");
	assert_int_equal(reply->error_name == NULL, reply->status == TROUPE_OK);
	assert_int_equal(reply->json != NULL,
			 reply->status == TROUPE_OK || reply->status == TROUPE_ERROR);
	if (reply->status == TROUPE_ERROR)
		world_note(world_of(self), " %s", reply->error_name);
	if (reply->json) {
		assert_int_equal(strlen(reply->json), reply->size);
		world_note(world_of(self), " %.40s", reply->json);
	}
	if (reply->code)
		world_note(world_of(self), " (%s)", strerrorname_np(-reply->code));
	if (reply->detail)
		world_note(world_of(self), " (%s)", reply->detail);
	world_note(world_of(self), "; ");
	return world_of(self)->hooks.said
		       ? world_of(self)->hooks.said(self, state, context, reply)
		       : 0;
}

static int on_tick(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_event_head *head = event;

	assert_int_equal(head->size, sizeof(*head));
	assert_int_equal(head->kind, TROUPE_ENTRY_TIMER);
	log_of(self, (struct puppet *)state, "tick%u", (unsigned)context);
	return world_of(self)->hooks.tick ? world_of(self)->hooks.tick(self, state, context)
					  : 0;
}

static int on_watch(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_watch_event *ready = event;

	assert_int_equal(ready->head.size, sizeof(*ready));
	assert_int_equal(ready->head.kind, TROUPE_ENTRY_WATCH);
	log_of(self, (struct puppet *)state, "ready%u %s%s", (unsigned)context,
	       ready->events & TROUPE_READABLE ? "r" : "",
	       ready->events & TROUPE_WRITABLE ? "w" : "");
	return world_of(self)->hooks.watch
		       ? world_of(self)->hooks.watch(self, state, context, ready)
		       : 0;
}

static int on_post(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	const struct troupe_post_event *post = event;

	assert_int_equal(post->head.size, sizeof(*post));
	assert_int_equal(post->head.kind, TROUPE_ENTRY_POST);
	assert_true(post->size > 0 ? (uintptr_t)post->data % 16 == 0 : !post->data);
	log_of(self, (struct puppet *)state, "post%u %.*s", (unsigned)context,
	       post->size < 20 ? (int)post->size : 20, (const char *)post->data);
	return world_of(self)->hooks.post
		       ? world_of(self)->hooks.post(self, state, context, post)
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
	log_of(self, (struct puppet *)state, "fini %s", cause_name(cause));
	if (world_of(self)->hooks.fini)
		world_of(self)->hooks.fini(self, state, cause);
}

static int on_room(struct troupe_self *self, void *state, struct troupe_address where,
		   struct troupe_call call)
{
	world_of(self)->rooms++;
	world_of(self)->room_of = call;
	log_of(self, (struct puppet *)state, "room");
	return world_of(self)->hooks.room ? world_of(self)->hooks.room(self, state, where) : 0;
}

static int on_cancel(struct troupe_self *self, void *state, struct troupe_call call)
{
	log_of(self, (struct puppet *)state, "cancel");
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
const struct troupe_entry watch_entry = {.table_size = sizeof(struct troupe_entry),
					 .kind = TROUPE_ENTRY_WATCH,
					 .name = "watch",
					 .on_event = on_watch};
const struct troupe_entry tick_entry = TIMER_ENTRY("tick");
const struct troupe_entry say_entry = {.table_size = sizeof(say_entry),
				       .kind = TROUPE_ENTRY_TEXT,
				       .name = "say",
				       .on_event = on_said};
const struct troupe_entry post_entry = {.table_size = sizeof(struct troupe_entry),
					.kind = TROUPE_ENTRY_POST,
					.name = "post",
					.on_event = on_post};
const struct troupe_entry foreign_entry = TIMER_ENTRY("foreign");

const struct troupe_actor puppet_table = {
	TROUPE_ABI(puppet),
	.state_size = sizeof(struct puppet),
	.config = &num_type,
	.life = &life,
	.interfaces = {&handlers},
	.entries = {&num_entry, &wide_entry, &text_entry, &tick_entry, &none_entry, &lost_entry,
		    &odd_entry, &say_entry, &watch_entry, &post_entry},
};
const struct troupe_actor tasker_table = {
	TROUPE_ABI(tasker),
	.state_size = sizeof(struct puppet),
	.config = &num_type,
	.life = &life,
	.interfaces = {&tasker_handlers},
	.entries = {&num_entry, &text_entry, &tick_entry},
};
const struct troupe_actor wide_table = {
	TROUPE_ABI(wide), .state_size = sizeof(struct puppet), .config = &num_type,
	.life = &life,    .interfaces = {&wide_handlers},
};
