/* test_sim_chat_failpoints.c - each allocation, each record, each descriptor and each call of
 * the system fails once, while people come to actors/chat, talk, and leave in every way.
 *
 * However it fails: it costs at most so many people their connection as calls have failed. All
 * others hear all that each of them says, once and in order; the next one who comes takes part,
 * and nothing is left when the actor ends.
 */
#include "base/cleanup.h"
#include "plugin_stage.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUESTS 5
#define LINES  32
#define LINE   16
#define HEARD  1024

TROUPE_ACTOR_DECLARE(chat);

struct guest {
	int fd;              /* -1: not there (any more) */
	unsigned came, left; /* lines that had been said then */
	bool is_let_go;      /* by what he has done */
	bool is_cut;         /* the server has ended the connection for no reason of his */
	char heard[HEARD];
	size_t n_heard;
};

struct party {
	struct plugin_stage stage;
	struct guest guests[GUESTS];
	struct {
		const struct guest *by;
		char text[LINE];
		bool may_lack; /* it was refused, perhaps in the end only */
	} lines[LINES];
	unsigned n_lines;
	char path[64], config[200];
};

static const char too_long[] = "* that line is too long\n";

static void hear(struct party *party, struct guest *guest)
{
	ssize_t n;

	if (guest->fd < 0)
		return;
	while ((n = recv(guest->fd, guest->heard + guest->n_heard, HEARD - guest->n_heard, 0)) >
	       0)
		guest->n_heard += (size_t)n;
	if (n < 0 && errno == EAGAIN)
		return;
	guest->is_cut |= !guest->is_let_go;
	guest->left = guest->left < party->n_lines ? guest->left : party->n_lines;
	close(guest->fd);
	guest->fd = -1;
}

/* What waits after a lack goes on within seconds. */
static void settle(struct party *party)
{
	plugin_stage_run(&party->stage, 5 * TROUPE_SECOND_NS);
	for (unsigned i = 0; i < GUESTS; i++)
		hear(party, &party->guests[i]);
}

static struct guest *come(struct party *party, unsigned which)
{
	struct guest *guest = &party->guests[which];

	guest->fd = plugin_stage_connect(party->path);
	guest->came = party->n_lines;
	guest->left = UINT32_MAX;
	settle(party);
	return guest;
}

static void send_text(struct guest *guest, const char *text)
{
	if (guest->fd >= 0)
		assert_int_equal(send(guest->fd, text, strlen(text), MSG_NOSIGNAL),
				 strlen(text));
}

/* In two pieces. */
static void say(struct party *party, struct guest *guest)
{
	char *text = party->lines[party->n_lines].text;

	if (guest->fd < 0)
		return;
	snprintf(text, LINE, "%d says %u\n", (int)(guest - party->guests), party->n_lines);
	party->lines[party->n_lines++].by = guest;
	assert_int_equal(send(guest->fd, text, 3, MSG_NOSIGNAL), 3);
	plugin_stage_run(&party->stage, 0);
	hear(party, guest);
	send_text(guest, text + 3);
	settle(party);
}

static void say_from_outside(struct party *party)
{
	int status =
		plugin_stage_call(&party->stage, "io.troupe.chat", "Say", "{\"text\":\"all\"}");

	assert_true(status == TROUPE_OK || failpoint_failed() > 0);
	strcpy(party->lines[party->n_lines].text, "all\n");
	party->lines[party->n_lines++].may_lack = status != TROUPE_OK;
	settle(party);
}

static void let_go(struct party *party, struct guest *guest)
{
	if (guest->fd < 0)
		return;
	guest->is_let_go = true;
	guest->left = party->n_lines;
}

static void talk(struct party *party)
{
	struct guest *const anna = come(party, 0), *const bert = come(party, 1),
			    *const carl = come(party, 2);

	say(party, anna);
	say(party, bert);
	say_from_outside(party);
	let_go(party, bert); /* who ends, hears all that was said, and leaves */
	if (bert->fd >= 0)
		assert_int_equal(shutdown(bert->fd, SHUT_WR), 0);
	settle(party);
	struct guest *const dora = come(party, 3);
	say(party, dora);
	say(party, anna);
	let_go(party, dora); /* in the middle of a line */
	send_text(dora, "never");
	if (dora->fd >= 0)
		close(dora->fd);
	dora->fd = -1;
	settle(party);
	let_go(party, carl);
	send_text(carl, "much, much more than is let pass");
	settle(party);
	say(party, anna);
}

/* Of what was said. */
static void judge(const struct party *party, const struct guest *guest)
{
	const char *heard = guest->heard;

	for (unsigned i = guest->came; i < party->n_lines && i < guest->left; i++) {
		const struct guest *by = party->lines[i].by; /* or NULL: nobody here */
		const char *text = party->lines[i].text;

		if (by == guest)
			continue;
		if (strncmp(heard, text, strlen(text)) == 0)
			heard += strlen(text);
		else
			assert_true(guest->is_cut || party->lines[i].may_lack ||
				    (by && by->is_cut));
	}
	if (strcmp(heard, too_long) == 0 && guest->is_let_go)
		heard += strlen(too_long);
	/* whose connection is cut may have a part of a line */
	assert_true(!*heard || guest->is_cut);
}

static void judge_all(const struct party *party)
{
	unsigned cut = 0;

	for (unsigned i = 0; i < GUESTS; i++) {
		cut += party->guests[i].is_cut;
		judge(party, &party->guests[i]);
	}
	assert_true(cut <= failpoint_failed());
}

/* Who comes then takes part, and nobody else is counted who is not there. */
static void see_that_it_goes_on(struct party *party)
{
	struct guest *const last = come(party, GUESTS - 1);
	const char *status;
	int people = 0;

	say(party, last);
	say(party, &party->guests[0]);
	assert_true(last->fd >= 0);
	for (unsigned i = 0; i < GUESTS; i++)
		people += party->guests[i].fd >= 0;
	status = plugin_stage_ask(&party->stage, "io.troupe.chat", "Status");
	assert_int_equal(plugin_stage_number(status, "people"), people);
	assert_int_equal(plugin_stage_number(status, "slow"), 0);
}

/* An actor that cannot begin says why, and the next one can. */
static void begin(struct party *party)
{
	int rc = plugin_stage_spawn(&party->stage);

	plugin_stage_run(&party->stage, 0);
	if (rc == 0 && party->stage.world.failures == 0)
		return;
	sweep_calm();
	assert_true(failpoint_failed() > 0);
	if (rc == 0) {
		assert_non_null(strstr(party->stage.world.last_failure, "task serve"));
		party->stage.world.last_failure[0] = '\0';
		plugin_stage_stop(&party->stage);
	}
	assert_int_equal(plugin_stage_spawn(&party->stage), 0);
	plugin_stage_run(&party->stage, 0);
}

static int have_a_party(void *unused)
{
	static struct party party;

	(void)unused;
	sweep_calm();
	memset(&party, 0, sizeof(party));
	for (unsigned i = 0; i < GUESTS; i++)
		party.guests[i].fd = -1;
	snprintf(party.path, sizeof(party.path), "/tmp/troupe-chat-failpoints-%d",
		 (int)getpid());
	snprintf(party.config, sizeof(party.config), "{\"listen\":\"unix:%s\",\"line\":%d}",
		 party.path, LINE);
	plugin_stage_prepare(&party.stage, TROUPE_ACTOR_TABLE(chat), party.config);
	sweep_go_on();
	begin(&party);
	talk(&party);
	sweep_calm();
	see_that_it_goes_on(&party);
	/* of whoever asked, who was told; that of a task would be the actor's end */
	assert_null(strstr(party.stage.world.last_failure, "task"));
	plugin_stage_stop(&party.stage);
	for (unsigned i = 0; i < GUESTS; i++)
		let_go(&party, &party.guests[i]);
	settle(&party);
	for (unsigned i = 0; i < GUESTS; i++)
		assert_int_equal(party.guests[i].fd, -1);
	judge_all(&party);
	plugin_stage_end(&party.stage);
	return 0;
}

static void failure_costs_nobody_else_the_connection(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as in a worker */
	sweep(have_a_party, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_costs_nobody_else_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
