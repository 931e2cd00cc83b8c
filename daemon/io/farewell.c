#include "io/farewell.h"

#include "core/inside.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct farewell {
	struct list of_all;
	struct buffer words;
	uint64_t id, end_ns;
	int fd;
};

static void end_farewell(struct farewells *farewells, struct farewell *farewell)
{
	(void)poller_remove(&farewells->poller, farewell->fd);
	close(farewell->fd);
	list_remove(&farewell->of_all);
	farewells->count--;
	buffer_fini(&farewell->words);
	free(farewell);
}

/* True: it is over, in one way or the other. */
static bool say_on(struct farewell *farewell)
{
	while (buffer_size(&farewell->words) > 0) {
		ssize_t n = send(farewell->fd, buffer_data(&farewell->words),
				 buffer_size(&farewell->words), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		buffer_eat(&farewell->words, (size_t)n);
	}
	(void)shutdown(farewell->fd, SHUT_WR);
	return true;
}

static void on_room(struct poller *poller, uint64_t id, unsigned events)
{
	struct farewells *farewells = container_of(poller, struct farewells, poller);

	(void)events;
	list_foreach (at, &farewells->all) {
		struct farewell *farewell = container_of(at, struct farewell, of_all);

		if (farewell->id != id)
			continue;
		if (say_on(farewell))
			end_farewell(farewells, farewell);
		return;
	}
}

static struct farewell *first(const struct farewells *farewells)
{
	return list_is_empty(&farewells->all)
		       ? NULL
		       : container_of(farewells->all.next, struct farewell, of_all);
}

static uint64_t now_ns(const struct farewells *farewells)
{
	return loop_now_ns(farewells->timer.loop);
}

static void on_time(struct loop_timer *timer)
{
	struct farewells *farewells = container_of(timer, struct farewells, timer);
	struct farewell *farewell;

	while ((farewell = first(farewells)) && farewell->end_ns <= now_ns(farewells))
		end_farewell(farewells, farewell);
	if (farewell)
		loop_timer_start(timer, farewell->end_ns - now_ns(farewells));
}

void farewells_init(struct farewells *farewells, struct runtime *runtime)
{
	poller_init(&farewells->poller, runtime->loop, on_room);
	loop_timer_init(&farewells->timer, runtime->loop, on_time);
	list_init(&farewells->all);
}

void farewells_fini(struct farewells *farewells)
{
	struct farewell *farewell;

	while ((farewell = first(farewells)))
		end_farewell(farewells, farewell);
	loop_timer_stop(&farewells->timer);
	poller_fini(&farewells->poller);
}

int farewell_say(struct farewells *farewells, int fd, struct buffer *words)
{
	struct farewell *farewell =
		farewells->count < LIMIT_FAREWELLS ? calloc(1, sizeof(*farewell)) : NULL;
	int rc = -ENOMEM;

	if (farewell)
		rc = poller_add(&farewells->poller, fd, LOOP_WRITE, farewells->last_id + 1);
	if (rc < 0) {
		close(fd);
		free(farewell);
		return rc;
	}
	farewell->id = ++farewells->last_id;
	farewell->fd = fd;
	farewell->end_ns = now_ns(farewells) + LIMIT_FAREWELL_NS;
	farewell->words = *words; /* it holds no pointer into itself */
	buffer_init(words, words->limit);
	list_append(&farewells->all, &farewell->of_all);
	if (farewells->count++ == 0)
		loop_timer_start(&farewells->timer, LIMIT_FAREWELL_NS);
	return 0;
}
