/* Names: who asks, who waits, what is remembered; on a simulated crew, with a getaddrinfo() of
 * this program's own. */
#include "core/inside.h"
#include "crewed.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <troupe/names.h>

#define S TROUPE_SECOND_NS

struct stage {
	struct crewed crewed;
	const char *hosts[16]; /* by the number that was sent */
	const char *service;
	size_t most;
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
	return container_of(crewed_of(self), struct stage, crewed);
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

static void begin(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	memset(&names, 0, sizeof(names));
	names.n = 2;
	stage->service = "80";
	stage->most = 40;
	for (int i = 0; i < 16; i++)
		stage->hosts[i] = "a.test";
	crewed_begin(&stage->crewed, &asks_task, NULL);
}

static void ask(struct stage *stage, const char *host, const char *expected)
{
	char log[128];

	stage->hosts[1] = host;
	crewed_tell(&stage->crewed, 1);
	snprintf(log, sizeof(log), "1:num 1; 1: %s; ", expected);
	assert_log(&stage->crewed.world, log);
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
	world_finish(&stage.crewed.world);
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
	world_finish(&stage.crewed.world);
}

static void addresses_are_read_at_once(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	ask(&stage, "127.0.0.1", "1 7f000001:80");
	ask(&stage, "::1", "1");
	assert_int_equal(names.asked, 0);
	world_finish(&stage.crewed.world);
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
	world_finish(&stage.crewed.world);
}

static void same_names_are_looked_up_once(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	stage.hosts[2] = "A.TEST";
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, 2);
	crewed_tell(&stage.crewed, 3);
	(void)world_log(&stage.crewed.world);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "1: 2 1:80; 2: 2 1:80; 3: 2 1:80; ");
	assert_int_equal(names.asked, 1);
	world_finish(&stage.crewed.world);
}

static void answers_are_remembered_for_their_time(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	ask(&stage, "a.test", "2 1:80");
	world_sleep(&stage.crewed.world, 29 * S);
	ask(&stage, "a.test", "2 1:80");
	assert_int_equal(names.asked, 1);
	world_sleep(&stage.crewed.world, 2 * S);
	names.n = 1;
	ask(&stage, "a.test", "1 1:80");
	assert_int_equal(names.asked, 2);
	world_finish(&stage.crewed.world);
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
		world_sleep(&stage.crewed.world, 4 * S);
		ask_in_vain(&stage, "a.test", failures[i].expected);
		assert_int_equal(names.asked, 1);
		world_sleep(&stage.crewed.world, 2 * S);
		ask_in_vain(&stage, "a.test", failures[i].expected);
		assert_int_equal(names.asked, 2);
		world_sleep(&stage.crewed.world, 6 * S);
		names.error = 0;
		ask(&stage, "a.test", "2 1:80");
		world_finish(&stage.crewed.world);
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
	world_finish(&stage.crewed.world);
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
	world_finish(&stage.crewed.world);
}

static void cancelled_wait_ends_at_once_and_what_waits_is_not_asked(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	/* three of this unit at a time: the fourth waits */
	for (int i = 1; i <= 5; i++) {
		static const char *const different[] = {"", "b", "c", "d", "e", "f"};

		stage.hosts[i] = different[i];
		crewed_tell(&stage.crewed, i);
	}
	(void)world_log(&stage.crewed.world);
	crewed_tell(&stage.crewed, -1); /* its lookup runs on */
	snprintf(expected, sizeof(expected), "1:num -1; 1: %d; ", -ECANCELED);
	assert_log(&stage.crewed.world, expected);
	crewed_tell(&stage.crewed, -4);
	(void)world_log(&stage.crewed.world);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_int_equal(names.asked, 4); /* not the fourth */
	(void)world_log(&stage.crewed.world);
	/* and the first's answer is known */
	ask(&stage, "b", "2 1:80");
	assert_int_equal(names.asked, 4);
	world_finish(&stage.crewed.world);
}

static void one_of_two_who_wait_is_cancelled(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	for (int i = 4; i <= 6; i++) {
		stage.hosts[i] = i == 4 ? "x" : i == 5 ? "y" : "z";
		crewed_tell(&stage.crewed, i);
	}
	crewed_tell(&stage.crewed, 1);
	crewed_tell(&stage.crewed, 2);
	crewed_tell(&stage.crewed, -1);
	(void)world_log(&stage.crewed.world);
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_non_null(strstr(stage.crewed.world.log, "2: 2 1:80; "));
	(void)world_log(&stage.crewed.world);
	world_finish(&stage.crewed.world);
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
	stage.crewed.world.hooks.num = starts_many;
	world_spawn(&stage.crewed.world, 2);
	sim_hold_crews(stage.crewed.world.loop, true);
	crewed_tell(&stage.crewed, LIMIT_LOOKUPS);
	assert_null(strstr(world_log(&stage.crewed.world), "too many"));
	assert_int_equal(world_send(&stage.crewed.world, stage.crewed.world.actors[2], 1), 0);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "2:num 1; host1000: too many; ");
	/* who joins one that is under way is not one more */
	stage.crewed.world.hooks.num = asks_many;
	stage.hosts[0] = "host5";
	assert_int_equal(world_send(&stage.crewed.world, stage.crewed.world.actors[2], 1), 0);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "2:num 1; ");
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_log(&stage.crewed.world, "0: 2 1:80; ");
	world_finish(&stage.crewed.world);
}

static void oldest_answer_is_forgotten_first(void **state)
{
	struct stage stage;
	behaviour *starts_one;

	(void)state;
	begin(&stage);
	ask(&stage, "old", "2 1:80");
	starts_one = stage.crewed.world.hooks.num;
	stage.crewed.world.hooks.num = starts_many;
	for (int i = 0; i < 2; i++) {
		crewed_tell(&stage.crewed, 512);
		(void)world_log(&stage.crewed.world);
	}
	assert_int_equal(names.asked, 1 + LIMIT_NAMES_KNOWN);
	stage.crewed.world.hooks.num = starts_one;
	ask(&stage, "old", "2 1:80");
	assert_int_equal(names.asked, 2 + LIMIT_NAMES_KNOWN);
	world_finish(&stage.crewed.world);
}

/* An actor that ends leaves a lookup that goes on, and one that it has taken back. */
static void end_of_an_actor_does_not_wait_for_names(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	sim_hold_crews(stage.crewed.world.loop, true);
	for (int i = 1; i <= 4; i++) {
		stage.hosts[i] = i == 1 ? "b" : i == 2 ? "c" : i == 3 ? "d" : "e";
		crewed_tell(&stage.crewed, i);
	}
	assert_int_equal(runtime_stop(stage.crewed.world.runtime, stage.crewed.world.actors[1]),
			 0);
	crewed_run(&stage.crewed);
	assert_int_equal(stage.crewed.world.ends, 1);
	assert_true(io_is_held(stage.crewed.io));
	sim_hold_crews(stage.crewed.world.loop, false);
	crewed_run(&stage.crewed);
	assert_false(io_is_held(stage.crewed.io));
	assert_int_equal(names.asked, 3);
	(void)world_log(&stage.crewed.world);
	world_finish(&stage.crewed.world);
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
