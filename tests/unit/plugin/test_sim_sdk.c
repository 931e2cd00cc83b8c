/* The SDK as the writer of a plug-in sees it: generated wrappers, macros, and each error that
 * <troupe/actor.h> names. A desk does what the word says that it is told, and logs what it
 * sees. */
#include "desk.h"

#include "core/inside.h"
#include "core/runq.h"
#include "core/runtime.h"
#include "tests/unit/core/slab_count.h"
#include "tests/unit/sim/lone.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct host {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct troupe_address one, two, three;
	char log[4096];
	size_t size;
	int last_priority;
	size_t last_length;
	struct runtime_end end;
};

static int find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	const struct host *host = context;

	*ret_address = strcmp(name, "one") == 0   ? host->one
		       : strcmp(name, "two") == 0 ? host->two
						  : host->three;
	return strcmp(name, "one") == 0 || strcmp(name, "two") == 0 ||
			       strcmp(name, "three") == 0
		       ? 0
		       : -ENOENT;
}

static void on_end(void *context, const struct runtime_end *end)
{
	((struct host *)context)->end = *end;
}

static void on_log(void *context, uint32_t unit, int priority, const char *actor,
		   const char *text)
{
	(void)unit;
	struct host *host = context;

	(void)actor;
	host->last_priority = priority;
	host->last_length = strlen(text);
	if (host->last_length < 1000)
		host->size += (size_t)snprintf(host->log + host->size,
					       sizeof(host->log) - host->size, "%s; ", text);
	assert_true(host->size < sizeof(host->log));
}

static const struct runtime_ops ops = {
	.forward = lone_forward,
	.find_layout = lone_find_layout,
	.find_name = find_name,
	.on_end = on_end,
	.on_log = on_log,
};

static struct troupe_address spawn(struct host *host, uint32_t unit, const char *name)
{
	struct troupe_address address;

	assert_int_equal(runtime_spawn(host->runtime, unit, 3,
				       &(struct desk_config){name, NULL}, &address),
			 0);
	return address;
}

static void begin(struct host *host, const struct runtime_config *limits)
{
	struct runtime_config config = limits ? *limits : (struct runtime_config){0};
	static const char plugins[2];
	const struct runtime_type *type, *other;
	const char *why;

	*host = (struct host){0};
	assert_int_equal(loop_new(&host->loop), 0);
	config.process = (struct process){.worker = 1, .incarnation = 1};
	config.loop = host->loop;
	config.page = &host->page;
	config.ops = &ops;
	config.context = host;
	config.seed = 1;
	assert_int_equal(runtime_new(&config, &host->runtime), 0);
	assert_int_equal(runtime_type_add(host->runtime, TROUPE_ACTOR_TABLE(desk), &plugins[0],
					  &type, &why),
			 0);
	assert_int_equal(runtime_type_add(host->runtime, TROUPE_ACTOR_TABLE(stranger),
					  &plugins[1], &other, &why),
			 0);
	assert_int_equal(
		runtime_unit_define(
			host->runtime,
			&(struct runtime_unit){.number = 1,
					       .name = "desks",
					       .type = type,
					       .state_directory = "/var/lib/troupe/desks"}),
		0);
	assert_int_equal(
		runtime_unit_define(host->runtime, &(struct runtime_unit){.number = 2,
									  .name = "small",
									  .type = type,
									  .mailbox = 3}),
		0);
	host->one = spawn(host, 1, "one");
	host->two = spawn(host, 1, "two");
	host->three = spawn(host, 1, "three");
}

static void run(struct host *host)
{
	do
		loop_step(host->loop, false);
	while (!runq_is_empty(host->runtime));
}

static void tell(struct host *host, struct troupe_address to, const char *word)
{
	assert_int_equal(runtime_client_send(host->runtime, to, &desk_tell_method,
					     &(struct desk_tell){word}, 0),
			 0);
	run(host);
}

/* What was said since the last time. */
static const char *take_log(struct host *host)
{
	host->log[host->size] = '\0';
	host->size = 0;
	return host->log;
}
#define assert_said(host, expected) assert_string_equal(take_log(host), expected)

/* Nothing that an actor forgot outlives it. */
static void finish(struct host *host)
{
	runtime_stop_all(host->runtime);
	run(host);
	assert_int_equal(host->runtime->n_actors + host->runtime->calls.count, 0);
	assert_int_equal(host->runtime->kept_calls.count + host->runtime->timers.count, 0);
	assert_int_equal(slab_count(&host->runtime->messages), 0);
	runtime_free(host->runtime);
	loop_free(host->loop);
}

static void generated_wrappers_carry_calls_answers_and_errors(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "call all");
	assert_said(&host,
		    "one reply 1 status 0 one -; one reply 2 status 0 at last -; "
		    "one reply 3 status 1 - test.desk.Refused; because refused; "
		    "one reply 4 status 1 - test.desk.Closed; closed; "
		    "one reply 5 status 10 - org.varlink.service.InvalidParameter; detail n; "
		    "one reply 7 status 0 kept -; "
		    "one reply 8 status 10 - org.varlink.service.InvalidParameter; detail how; "
		    "one reply 1 status 8 - io.troupe.Control.NoReply; "
		    "one reply 1 status 9 - io.troupe.Control.Failed; code EXDEV; "
		    "one reply 20 status 0+ part -; one reply 20 status 0+ part -; "
		    "one reply 20 status 0 end -; one reply 1 status 0 all -; "
		    "one reply 1 status 13 - org.varlink.service.ExpectedMore; detail Ask; "
		    "one reply 1 status 14 - org.varlink.service.PermissionDenied; detail Ask; "
		    "one never 30 status 12 org.varlink.service.MethodNotImplemented; "
		    "one told 40 status 0; one reply 6 status 0 three -; ");
	tell(&host, host.two, "release");
	finish(&host);
}

static void sdk_names_what_is_wrong_with_a_send_or_call(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "tell badly");
	assert_said(&host, "");
	finish(&host);
}

static void sdk_refuses_what_a_full_mailbox_cannot_take_and_notifies_once_of_room(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	host.two = spawn(&host, 2, "two");
	tell(&host, host.one, "fill");
	assert_said(&host, "one room 1; ");
	finish(&host);
}

static void sdk_names_the_limit_that_is_reached(void **state)
{
	struct host host;

	(void)state;
	begin(&host,
	      &(struct runtime_config){
		      .max_actors = 5, .max_calls = 2, .max_kept_calls = 1, .max_timers = 2});
	tell(&host, host.one, "limits");
	/* the second call finds no place for its handle, and fails by the errno returned */
	assert_said(&host, "one reply 1 status 9 - io.troupe.Control.Failed; code ENOMEM; ");
	finish(&host);
}

static void sdk_turns_away_foreign_entries_types_and_configurations(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "misuse");
	assert_said(&host, "");
	finish(&host);
}

static void actor_knows_itself_names_and_addresses(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "look");
	tell(&host, host.one, "log");
	assert_int_equal(host.last_length, 2000);
	assert_int_equal(host.last_priority, 3);
	finish(&host);
}

static void actor_spawns_and_leaves(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "leave");
	assert_said(&host, "kid fini 2; kid fini 7; one fini 3; child is \"\"; ");
	assert_true(troupe_address_equal(host.end.actor, host.one));
	assert_int_equal(host.end.error, -EIO);
	assert_int_equal(host.end.instance, 3);
	finish(&host);
}

static void kept_handle_is_answered_dropped_or_cancelled(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "call later");
	assert_said(&host, "");
	tell(&host, host.two, "answer");
	assert_said(&host, "one reply 50 status 0 now -; ");
	tell(&host, host.one, "call later");
	tell(&host, host.two, "drop");
	assert_said(&host, "one reply 50 status 8 - io.troupe.Control.NoReply; ");
	tell(&host, host.one, "call later");
	tell(&host, host.one, "cancel");
	assert_said(&host, "two cancelled 1; one reply 50 status 7 - "
			   "io.troupe.Control.Cancelled; ");
	tell(&host, host.one, "call later");
	sim_run_until(host.loop, loop_clock_ns(host.loop) + 2000000000);
	assert_said(&host, "two cancelled 1; one reply 50 status 5 - "
			   "io.troupe.Control.Timeout; ");
	finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_wrappers_carry_calls_answers_and_errors),
		cmocka_unit_test(sdk_names_what_is_wrong_with_a_send_or_call),
		cmocka_unit_test(
			sdk_refuses_what_a_full_mailbox_cannot_take_and_notifies_once_of_room),
		cmocka_unit_test(sdk_names_the_limit_that_is_reached),
		cmocka_unit_test(sdk_turns_away_foreign_entries_types_and_configurations),
		cmocka_unit_test(actor_knows_itself_names_and_addresses),
		cmocka_unit_test(actor_spawns_and_leaves),
		cmocka_unit_test(kept_handle_is_answered_dropped_or_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
