/* test_world_failpoints.c - each allocation and each descriptor of master and workers fails
 * once, in the simulated world.
 *
 * Clients ask for all there is, one thing after the other. Each gets one answer, or its
 * connection is closed; the master lives on, workers live on or come again; when no more fails,
 * all of it works. Seeds make several fail.
 */
#include "client.h"
#include "process.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LARGE 200000

#define CONTROL(method, parameters)                                                            \
	"{\"method\":\"io.troupe.Control." method "\",\"parameters\":" parameters "}"
#define CALL(name, method, parameters)                                                         \
	CONTROL("Call", "{\"name\":\"" name "\",\"method\":\"io.troupe.test." method           \
			"\",\"parameters\":" parameters "}")

/* What is asked, and what each answer holds. */
static const struct {
	const char *message, *piece;
} acts[] = {
	{CALL("slow", "slow.Answer", "{\"text\":\"hi\",\"delayMs\":20}"), "\"hi\""},
	{"{\"method\":\"io.troupe.test.slow.Answer\",\"parameters\":{\"text\":\"direct\","
	 "\"delayMs\":0}}",
	 "direct"},
	{CALL("relay", "relay.Answer", "{\"to\":\"slow\",\"text\":\"ho\",\"delayMs\":5}"),
	 "\"ho\""},
	{CONTROL("List", "{}"), "\"relay\""},
	{CONTROL("Describe", "{\"name\":\"slow\"}"), "\"running\""},
	{CONTROL("Status", "{}"), "\"running\""},
	{CONTROL("Workers", "{}"), "\"worker\":2"},
	{CONTROL("Actors", "{}"), "\"slow\""},
	{"{\"method\":\"org.varlink.service.GetInfo\"}", "io.troupe.test.slow"},
	{CONTROL("Stop", "{\"name\":\"slow\"}"), "{}"},
	{CONTROL("Start", "{\"name\":\"slow\"}"), "{"},
	{CONTROL("Reload", "{}"), "\"problems\":[]"},
	{CALL("slow", "slow.Kept", "{}"), "{"},
	{CALL("crash", "crash.Raise", "{\"signal\":11}"), "ActorDied"},
	{CALL("crash", "crash.Ping", "{}"), "{"},
};

static struct world *raise_world(void)
{
	/* All that fails comes again, and soon. */
	struct world *world = world_new(1, 2, "GiveUp=never\nRestartDelayMax=1s\n");

	world_write(world, "slow.actor", "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=1\n");
	world_write(world, "relay.actor",
		    "[Actor]\nPlugin=%B/test-plugins/relay.so\nType=relay\nWorker=2\n");
	world_write(world, "crash.actor",
		    "[Actor]\nPlugin=%B/test-plugins/crash.so\nWorker=2\nIsolate=no\n");
	world_start(world);
	assert_true(world_until(world, world_is_running));
	return world;
}

/* 0: the answer is as it should be. */
static int ask_for(struct world *world, const char *message, const char *piece)
{
	struct client client;
	const char *answer;
	int r = -ENOMEM;

	client_init(&client, world);
	answer = client_ask(&client, message);
	if (answer && strstr(answer, piece) && !strstr(answer, "\"error\":\"org.varlink"))
		r = 0;
	/* Nothing was wrong with the question. */
	if (answer && strstr(answer, "InvalidParameter"))
		fail_msg("%s\n%s", message, answer);
	client_fini(&client);
	return r;
}

/* From worker to worker by way of an arena, or without one. */
static int ask_for_much(struct world *world)
{
	char *text = malloc(LARGE + 1), *message;
	int r;

	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	assert_true(asprintf(&message,
			     CALL("relay", "relay.Answer",
				  "{\"to\":\"slow\",\"text\":\"%s\",\"delayMs\":0}"),
			     text) > 0);
	r = ask_for(world, message, text);
	free(message);
	free(text);
	return r;
}

/* A unit that an operator makes, and takes away. */
static int spawn(struct world *world)
{
	char message[1024];
	int r;

	snprintf(message, sizeof(message),
		 CONTROL("Spawn", "{\"name\":\"new\",\"plugin\":\"%s/test-plugins/"
				  "slow.so\",\"worker\":\"2\"}"),
		 world->build);
	(void)ask_for(world, CONTROL("Stop", "{\"name\":\"new\"}"), "");
	r = ask_for(world, message, "\"parameters\"");
	if (r == 0)
		r = ask_for(world,
			    CALL("new", "slow.Answer", "{\"text\":\"hi\",\"delayMs\":0}"),
			    "\"hi\"");
	if (r == 0)
		r = ask_for(world, CONTROL("Stop", "{\"name\":\"new\"}"), "{");
	return r;
}

/* One unit changes in place, one needs a new actor, one comes or goes; a watcher looks on. */
static int reload(struct world *world)
{
	struct client watcher;
	char text[256];
	int r;

	client_init(&watcher, world);
	(void)client_send(&watcher, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	snprintf(text, sizeof(text),
		 "[Actor]\nPlugin=%%B/test-plugins/slow.so\nWorker=1\nDescription=%u\n",
		 (unsigned)world->steps);
	world_write(world, "slow.actor", text);
	snprintf(text, sizeof(text),
		 "[Actor]\nPlugin=%%B/test-plugins/"
		 "relay.so\nType=relay\nWorker=2\nAllowGlobals=%s\n",
		 world->steps % 2 ? "yes" : "no");
	world_write(world, "relay.actor", text);
	r = ask_for(world, CONTROL("Reload", "{}"), "\"problems\":[]");
	client_fini(&watcher);
	return r;
}

static int (*const more_acts[])(struct world *world) = {ask_for_much, spawn, reload,
							ask_for_much};
#define ACTS (ARRAY_LEN(acts) + ARRAY_LEN(more_acts))

static int ask(struct world *world, size_t act)
{
	if (act < ARRAY_LEN(acts))
		return ask_for(world, acts[act].message, acts[act].piece);
	return more_acts[act - ARRAY_LEN(acts)](world);
}

/* As an operator would. */
static void put_right(struct world *world)
{
	static const char *const units[] = {"slow", "relay", "crash"};
	char message[128];

	(void)ask_for(world, CONTROL("Stop", "{\"name\":\"new\"}"), "");
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct client client;

		snprintf(message, sizeof(message), CONTROL("Start", "{\"name\":\"%s\"}"),
			 units[i]);
		client_init(&client, world);
		(void)client_ask(&client, message);
		client_fini(&client);
	}
	if (!world_until(world, world_is_running)) {
		world_print_log(world);
		fail_msg("it does not run again");
	}
}

static int ask_all(void *data)
{
	struct world *world;
	int result = 0;

	(void)data;
	sweep_calm();
	world = raise_world();
	sweep_go_on();
	for (size_t i = 0; i < ACTS; i++) {
		int r = ask(world, i);

		if (r < 0)
			result = r;
	}
	sweep_calm();
	world_run(world, 2 * CLOCK_SECOND_NS);
	put_right(world);
	for (size_t i = 0; i < ACTS; i++)
		if (ask(world, i) < 0) {
			/* A crash a moment ago may still have its unit wait. */
			world_run(world, 5 * CLOCK_SECOND_NS);
			if (ask(world, i) < 0) {
				world_print_log(world);
				fail_msg("afterwards: act %zu", i);
			}
		}
	world_free(world);
	return result;
}

static void world_goes_on_whatever_fails(void **state)
{
	(void)state;
	sweep(ask_all, NULL);
}

/* What is described of so many actors takes more than one piece of memory, and it may be for
 * their name that there is no other. */
#define LONG "a-pool-whose-name-is-as-long-as-those-of-some-people-ever-are"

static int describe(void *data)
{
	struct world *world;
	int r;

	(void)data;
	sweep_calm();
	world = world_new(1, 1, "");
	world_write(world, LONG ".actor",
		    "[Actor]\nPlugin=%B/test-plugins/slow.so\nInstances=9\n");
	world_start(world);
	assert_true(world_until(world, world_is_running));
	sweep_go_on();
	r = ask_for(world, CONTROL("Describe", "{\"name\":\"" LONG "\"}"), "\"instance\":8,");
	sweep_calm();
	assert_int_equal(
		ask_for(world, CONTROL("Describe", "{\"name\":\"" LONG "\"}"), "\"queued\":0"),
		0);
	world_free(world);
	return r;
}

static void unit_is_described_as_far_as_memory_goes(void **state)
{
	(void)state;
	sweep(describe, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(world_goes_on_whatever_fails),
		cmocka_unit_test(unit_is_described_as_far_as_memory_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
