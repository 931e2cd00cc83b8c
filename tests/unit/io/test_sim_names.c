/* Names: who asks, who waits, what is remembered; on a simulated crew, with a getaddrinfo() of
 * this program's own. */
#include "core/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <troupe/names.h>

#define S TROUPE_SECOND_NS

struct stage {
	struct world world;
	struct io *io;
	const char *hosts[16]; /* by the number that was sent */
	const char *service;
	size_t most;
	struct troupe_task tasks[16];
};

/* ---- what the system knows */

static struct {
	unsigned asked;
	char last[300];
	int error, errno_value;
	unsigned n; /* addresses */
} names;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_infos)
{
	assert_int_equal(hints->ai_socktype, SOCK_STREAM);
	snprintf(names.last, sizeof(names.last), "%s:%s", host, service ? service : "");
	names.asked++;
	errno = names.errno_value;
	if (names.error)
		return names.error;
	*ret_infos = NULL;
	for (unsigned i = names.n; i > 0; i--) {
		struct addrinfo *info = calloc(1, sizeof(*info));
		struct sockaddr_in *address = calloc(1, sizeof(*address));

		assert_non_null(info);
		assert_non_null(address);
		*address = (struct sockaddr_in){.sin_family = AF_INET,
						.sin_port = htons(service ? 99 : 0),
						.sin_addr.s_addr = htonl(i)};
		*info = (struct addrinfo){.ai_addr = (struct sockaddr *)(void *)address,
					  .ai_addrlen = sizeof(*address),
					  .ai_next = *ret_infos};
		*ret_infos = info;
	}
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	while (info) {
		struct addrinfo *next = info->ai_next;

		free(info->ai_addr);
		free(info);
		info = next;
	}
}

/* ---- the stage */

static struct stage *stage_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static int asks(struct troupe_self *self, struct puppet *me, void *number, void *unused)
{
	struct stage *stage = stage_of(self);
	struct sockaddr_storage found[40];
	const struct sockaddr_in *first = (const void *)found;
	size_t n = (size_t)(uintptr_t)number;
	int rc = troupe_resolve(self, stage->hosts[n], stage->service, found, stage->most);

	(void)me;
	(void)unused;
	if (rc > 0 && first->sin_family == AF_INET)
		world_note(world_of(self), "%zu: %d %x:%d; ", n, rc,
			   ntohl(first->sin_addr.s_addr), ntohs(first->sin_port));
	else
		world_note(world_of(self), "%zu: %d; ", n, rc);
	return 0;
}
TROUPE_TASK(asks, struct puppet, void, void)

static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct stage *stage = stage_of(self);

	(void)me;
	(void)call;
	if (n < 0)
		return troupe_task_cancel(self, stage->tasks[-n]);
	return troupe_start(self, TROUPE_OF_ACTOR, &asks_task, (void *)(intptr_t)n, NULL,
			    &stage->tasks[n]);
}

static void free_io(struct world *world)
{
	struct stage *stage = world->test;

	io_free(stage->io);
}

static void begin(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	memset(&names, 0, sizeof(names));
	names.n = 2;
	stage->service = "80";
	stage->most = 40;
	for (int i = 0; i < 16; i++)
		stage->hosts[i] = "a.test";
	world_init(&stage->world, 1, NULL);
	assert_int_equal(io_new(stage->world.runtime, &stage->io), 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
	stage->world.hooks.num = on_num;
	world_spawn(&stage->world, 1);
}

static void run(struct stage *stage)
{
	world_sleep(&stage->world, 0);
}

static void tell(struct stage *stage, int64_t n)
{
	assert_int_equal(world_send(&stage->world, stage->world.actors[1], n), 0);
	run(stage);
}

static void ask(struct stage *stage, const char *host, const char *expected)
{
	char log[128];

	stage->hosts[1] = host;
	tell(stage, 1);
	snprintf(log, sizeof(log), "1:num 1; 1: %s; ", expected);
	assert_log(&stage->world, log);
}

static void ask_in_vain(struct stage *stage, const char *host, int error)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "%d", error);
	ask(stage, host, expected);
}

/* ---- tests */

static void addresses_have_the_port(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	ask(&stage, "a.test", "2 1:80");
	assert_string_equal(names.last, "a.test:");
	stage.service = "http";
	ask(&stage, "a.test", "2 1:99");
	assert_string_equal(names.last, "a.test:http");
	stage.service = NULL;
	stage.most = 1;
	ask(&stage, "a.test", "1 1:0");
	assert_int_equal(names.asked, 2);
	world_finish(&stage.world);
}

static void no_more_addresses_than_are_wanted_or_allowed(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	names.n = 100;
	ask(&stage, "a.test", "32 1:80");
	stage.most = 3;
	ask(&stage, "a.test", "3 1:80");
	world_finish(&stage.world);
}

static void addresses_are_read_at_once(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.world.loop, true);
	ask(&stage, "127.0.0.1", "1 7f000001:80");
	ask(&stage, "::1", "1");
	assert_int_equal(names.asked, 0);
	world_finish(&stage.world);
}

static void wrong_names_are_refused(void **state)
{
	struct stage stage;
	char long_name[300];

	(void)state;
	begin(&stage);
	memset(long_name, 'x', sizeof(long_name));
	long_name[254] = '\0';
	ask_in_vain(&stage, long_name, -EINVAL);
	ask_in_vain(&stage, NULL, -EINVAL);
	ask_in_vain(&stage, "", -EINVAL);
	ask_in_vain(&stage, "a b", -EINVAL);
	ask_in_vain(&stage, "a\n", -EINVAL);
	stage.service = "65536";
	ask_in_vain(&stage, "a.test", -EINVAL);
	stage.service = "much-too-long-for-a-service-name";
	ask_in_vain(&stage, "a.test", -EINVAL);
	stage.service = "80";
	stage.most = 0;
	ask_in_vain(&stage, "a.test", -EINVAL);
	assert_int_equal(names.asked, 0);
	world_finish(&stage.world);
}

static void same_names_are_looked_up_once(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.world.loop, true);
	stage.hosts[2] = "A.TEST";
	tell(&stage, 1);
	tell(&stage, 2);
	tell(&stage, 3);
	(void)world_log(&stage.world);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "1: 2 1:80; 2: 2 1:80; 3: 2 1:80; ");
	assert_int_equal(names.asked, 1);
	world_finish(&stage.world);
}

static void answers_are_remembered_for_their_time(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	ask(&stage, "a.test", "2 1:80");
	world_sleep(&stage.world, 29 * S);
	ask(&stage, "a.test", "2 1:80");
	assert_int_equal(names.asked, 1);
	world_sleep(&stage.world, 2 * S);
	names.n = 1;
	ask(&stage, "a.test", "1 1:80");
	assert_int_equal(names.asked, 2);
	world_finish(&stage.world);
}

/* Trap 26: a server that does not answer, twice in a row. */
static void failures_are_remembered_for_less(void **state)
{
	static const struct {
		int error, errno_value, expected;
	} failures[] = {{EAI_NONAME, 0, -ENOENT},
			{EAI_AGAIN, 0, -EAGAIN},
			{EAI_FAIL, 0, -EIO},
			{EAI_SERVICE, 0, -ENOENT}};
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		begin(&stage);
		names.error = failures[i].error;
		ask_in_vain(&stage, "a.test", failures[i].expected);
		world_sleep(&stage.world, 4 * S);
		ask_in_vain(&stage, "a.test", failures[i].expected);
		assert_int_equal(names.asked, 1);
		world_sleep(&stage.world, 2 * S);
		ask_in_vain(&stage, "a.test", failures[i].expected);
		assert_int_equal(names.asked, 2);
		world_sleep(&stage.world, 6 * S);
		names.error = 0;
		ask(&stage, "a.test", "2 1:80");
		world_finish(&stage.world);
	}
}

static void want_of_memory_is_not_remembered(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	names.error = EAI_MEMORY;
	ask_in_vain(&stage, "a.test", -ENOMEM);
	names.error = EAI_SYSTEM;
	names.errno_value = EMFILE;
	ask_in_vain(&stage, "a.test", -EMFILE);
	names.error = 0;
	ask(&stage, "a.test", "2 1:80");
	assert_int_equal(names.asked, 3);
	world_finish(&stage.world);
}

/* That would be the scope's word. */
static void timeout_of_the_system_is_no_timeout_of_the_scope(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	names.error = EAI_SYSTEM;
	names.errno_value = ETIMEDOUT;
	ask_in_vain(&stage, "a.test", -EAGAIN);
	world_finish(&stage.world);
}

static void cancelled_wait_ends_at_once_and_what_waits_is_not_asked(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.world.loop, true);
	/* three of this unit at a time: the fourth waits */
	for (int i = 1; i <= 5; i++) {
		static const char *const different[] = {"", "b", "c", "d", "e", "f"};

		stage.hosts[i] = different[i];
		tell(&stage, i);
	}
	(void)world_log(&stage.world);
	tell(&stage, -1); /* its lookup runs on */
	snprintf(expected, sizeof(expected), "1:num -1; 1: %d; ", -ECANCELED);
	assert_log(&stage.world, expected);
	tell(&stage, -4);
	(void)world_log(&stage.world);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_int_equal(names.asked, 4); /* not the fourth */
	(void)world_log(&stage.world);
	/* and the first's answer is known */
	ask(&stage, "b", "2 1:80");
	assert_int_equal(names.asked, 4);
	world_finish(&stage.world);
}

static void one_of_two_who_wait_is_cancelled(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.world.loop, true);
	for (int i = 4; i <= 6; i++) {
		stage.hosts[i] = i == 4 ? "x" : i == 5 ? "y" : "z";
		tell(&stage, i);
	}
	tell(&stage, 1);
	tell(&stage, 2);
	tell(&stage, -1);
	(void)world_log(&stage.world);
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_non_null(strstr(stage.world.log, "2: 2 1:80; "));
	(void)world_log(&stage.world);
	world_finish(&stage.world);
}

static int asks_many(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	(void)me;
	(void)call;
	for (int64_t i = 0; i < n; i++) {
		int rc = troupe_start(self, TROUPE_OF_ACTOR, &asks_task, NULL, NULL, NULL);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int asks_for_many(struct troupe_self *self, struct puppet *me, void *number,
			 void *unused)
{
	struct sockaddr_storage found;
	char host[32];
	int rc;

	(void)me;
	(void)unused;
	snprintf(host, sizeof(host), "host%u", (unsigned)(uintptr_t)number);
	rc = troupe_resolve(self, host, "80", &found, 1);
	if (rc == -ENOBUFS)
		world_note(world_of(self), "%s: too many; ", host);
	return 0;
}
TROUPE_TASK(asks_for_many, struct puppet, void, void)

static int starts_many(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	static unsigned next;

	(void)me;
	(void)call;
	for (int64_t i = 0; i < n; i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &asks_for_many_task,
					      (void *)(uintptr_t)next++, NULL, NULL),
				 0);
	return 0;
}

static void lookups_of_a_worker_are_bounded(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.world.hooks.num = starts_many;
	world_spawn(&stage.world, 2);
	sim_hold_crews(stage.world.loop, true);
	tell(&stage, LIMIT_LOOKUPS);
	assert_null(strstr(world_log(&stage.world), "too many"));
	assert_int_equal(world_send(&stage.world, stage.world.actors[2], 1), 0);
	run(&stage);
	assert_log(&stage.world, "2:num 1; host1000: too many; ");
	/* who joins one that is under way is not one more */
	stage.world.hooks.num = asks_many;
	stage.hosts[0] = "host5";
	assert_int_equal(world_send(&stage.world, stage.world.actors[2], 1), 0);
	run(&stage);
	assert_log(&stage.world, "2:num 1; ");
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_log(&stage.world, "0: 2 1:80; ");
	world_finish(&stage.world);
}

static void oldest_answer_is_forgotten_first(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	ask(&stage, "old", "2 1:80");
	stage.world.hooks.num = starts_many;
	for (int i = 0; i < 2; i++) {
		tell(&stage, 512);
		(void)world_log(&stage.world);
	}
	assert_int_equal(names.asked, 1 + LIMIT_NAMES_KNOWN);
	stage.world.hooks.num = on_num;
	ask(&stage, "old", "2 1:80");
	assert_int_equal(names.asked, 2 + LIMIT_NAMES_KNOWN);
	world_finish(&stage.world);
}

/* An actor that ends leaves a lookup that goes on, and one that it has taken back. */
static void end_of_an_actor_does_not_wait_for_names(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.world.loop, true);
	for (int i = 1; i <= 4; i++) {
		stage.hosts[i] = i == 1 ? "b" : i == 2 ? "c" : i == 3 ? "d" : "e";
		tell(&stage, i);
	}
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	run(&stage);
	assert_int_equal(stage.world.ends, 1);
	assert_true(io_is_held(stage.io));
	sim_hold_crews(stage.world.loop, false);
	run(&stage);
	assert_false(io_is_held(stage.io));
	assert_int_equal(names.asked, 3);
	(void)world_log(&stage.world);
	world_finish(&stage.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_the_port),
		cmocka_unit_test(no_more_addresses_than_are_wanted_or_allowed),
		cmocka_unit_test(addresses_are_read_at_once),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(same_names_are_looked_up_once),
		cmocka_unit_test(answers_are_remembered_for_their_time),
		cmocka_unit_test(failures_are_remembered_for_less),
		cmocka_unit_test(want_of_memory_is_not_remembered),
		cmocka_unit_test(cancelled_wait_ends_at_once_and_what_waits_is_not_asked),
		cmocka_unit_test(one_of_two_who_wait_is_cancelled),
		cmocka_unit_test(lookups_of_a_worker_are_bounded),
		cmocka_unit_test(oldest_answer_is_forgotten_first),
		cmocka_unit_test(end_of_an_actor_does_not_wait_for_names),
		cmocka_unit_test(timeout_of_the_system_is_no_timeout_of_the_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
