/* fuzz_chat.c - what people say to actors/chat, in pieces, and how they come and leave.
 *
 * The input is a row of deeds: somebody comes, says some bytes, ends, leaves, or time passes.
 * All that a person hears is what the others have said since he came, whole lines in the order
 * of each of them; a model of what each has said knows which.
 */
#include "base/check.h"
#include "base/cleanup.h"
#include "tests/unit/actors/plugin_stage.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEOPLE   4
#define LINE     16 /* bytes of the longest */
#define SAID_MAX 8192
#define IDLE_MS  1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
TROUPE_ACTOR_DECLARE(chat);

struct person {
	int fd; /* -1: nobody */
	bool has_ended;
	char said[SAID_MAX]; /* since the others heard a whole line of his */
	size_t n_said;
	char heard[SAID_MAX], expected[SAID_MAX];
	size_t n_heard, n_expected;
	bool is_gone; /* the server has told him so, or will */
};

struct talk {
	struct plugin_stage stage;
	struct person people[PEOPLE];
	char path[64];
};

static const char too_long[] = "* that line is too long\n";

static void expect(struct person *person, const char *text, size_t size)
{
	check(person->n_expected + size <= SAID_MAX);
	memcpy(person->expected + person->n_expected, text, size);
	person->n_expected += size;
}

/* What the server makes of all that somebody has said and it has not yet seen. */
static void model(struct talk *talk, struct person *speaker)
{
	size_t done = 0;

	while (!speaker->is_gone) {
		const char *text = speaker->said + done;
		const size_t left = speaker->n_said - done;
		const char *newline = memchr(text, '\n', left < LINE ? left : LINE);

		if (!newline) {
			if (left >= LINE)
				speaker->is_gone = true;
			break;
		}
		for (unsigned i = 0; i < PEOPLE; i++) {
			struct person *other = &talk->people[i];

			if (other != speaker && other->fd >= 0 && !other->is_gone)
				expect(other, text, (size_t)(newline + 1 - text));
		}
		done += (size_t)(newline + 1 - text);
	}
	memmove(speaker->said, speaker->said + done, speaker->n_said - done);
	speaker->n_said -= done;
}

static void hear(struct person *person)
{
	ssize_t n;

	if (person->fd < 0)
		return;
	while ((n = recv(person->fd, person->heard + person->n_heard,
			 SAID_MAX - person->n_heard, 0)) > 0)
		person->n_heard += (size_t)n;
	check(person->n_heard < SAID_MAX);
	/* Whose last words were not read is reset. */
	check(n == 0 || errno == ECONNRESET ? person->is_gone || person->has_ended
					    : errno == EAGAIN);
}

/* One at a time, so that the order is known. */
static void settle(struct talk *talk, struct person *speaker)
{
	model(talk, speaker);
	plugin_stage_run(&talk->stage, 0);
	for (unsigned i = 0; i < PEOPLE; i++)
		hear(&talk->people[i]);
}

static void judge(const struct person *person)
{
	const size_t n = person->n_expected;

	check(person->n_heard >= n && memcmp(person->heard, person->expected, n) == 0);
	if (person->n_heard > n) /* the last word */
		check(person->is_gone && person->n_heard == n + sizeof(too_long) - 1 &&
		      memcmp(person->heard + n, too_long, sizeof(too_long) - 1) == 0);
}

static void leave(struct talk *talk, struct person *person)
{
	judge(person);
	close(person->fd);
	person->is_gone = true;
	person->fd = -1;
	plugin_stage_run(&talk->stage, 0);
}

static void come(struct talk *talk, struct person *person)
{
	*person = (struct person){.fd = plugin_stage_connect(talk->path)};
	plugin_stage_run(&talk->stage, 0);
}

static void say(struct talk *talk, struct person *person, const uint8_t *text, size_t size)
{
	if (person->has_ended || person->is_gone || size == 0)
		return;
	check(send(person->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size);
	memcpy(person->said + person->n_said, text, size);
	person->n_said += size;
	settle(talk, person);
}

/* The bytes that the deed has used. */
static size_t do_deed(struct talk *talk, const uint8_t *data, size_t size)
{
	struct person *person = &talk->people[data[0] % PEOPLE];
	const unsigned deed = data[0] / PEOPLE % 8;
	size_t count = (size_t)(data[0] / PEOPLE / 8) * 3;

	if (person->fd < 0) {
		come(talk, person);
		return 1;
	}
	switch (deed) {
	case 0:
		leave(talk, person);
		return 1;
	case 1:
		if (!person->has_ended && !person->is_gone) {
			person->has_ended = true;
			check(shutdown(person->fd, SHUT_WR) == 0);
			settle(talk, person);
			person->is_gone = true;
		}
		return 1;
	default:
		count = count < size - 1 ? count : size - 1;
		say(talk, person, data + 1, count);
		return 1 + count;
	}
}

static void count_people(struct talk *talk)
{
	char wanted[32];
	unsigned n = 0;

	for (unsigned i = 0; i < PEOPLE; i++)
		n += talk->people[i].fd >= 0 && !talk->people[i].is_gone;
	snprintf(wanted, sizeof(wanted), "\"people\":%u,", n);
	check(strstr(plugin_stage_ask(&talk->stage, "io.troupe.chat", "Status"), wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk talk;
	char config[256];

	if (size > 1000)
		return 0;
	memset(&talk, 0, sizeof(talk));
	for (unsigned i = 0; i < PEOPLE; i++)
		talk.people[i].fd = -1;
	snprintf(talk.path, sizeof(talk.path), "/tmp/troupe-fuzz-chat-%d", (int)getpid());
	snprintf(config, sizeof(config),
		 "{\"listen\":\"unix:%s\",\"line\":%d,\"behind\":1000,\"idleMs\":%d}",
		 talk.path, LINE, IDLE_MS);
	plugin_stage_begin(&talk.stage, TROUPE_ACTOR_TABLE(chat), config);
	while (size > 0) {
		const size_t used = do_deed(&talk, data, size);

		data += used;
		size -= used;
	}
	count_people(&talk);
	/* Who has nothing to say leaves in the end. */
	plugin_stage_run(&talk.stage, 3 * IDLE_MS * TROUPE_MS_NS);
	for (unsigned i = 0; i < PEOPLE; i++)
		talk.people[i].is_gone = true;
	count_people(&talk);
	for (unsigned i = 0; i < PEOPLE; i++)
		if (talk.people[i].fd >= 0)
			hear(&talk.people[i]), leave(&talk, &talk.people[i]);
	plugin_stage_end(&talk.stage);
	return 0;
}
