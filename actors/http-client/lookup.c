/* lookup.c - see lookup.h. */
#include "lookup.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS 30
/* What getaddrinfo() and the modules behind it need, amply. */
#define STACK_BYTES (512u << 10)

struct question {
	struct question *next;
	struct lookup_result *result; /* made before, so that there is one */
	char host[];
};

struct lookup {
	pthread_mutex_t lock; /* guards all below but fd, which never changes */
	pthread_cond_t asked;
	struct question *first, **last;
	unsigned n_waiting;
	unsigned n_threads;
	unsigned n_idle;
	unsigned references; /* the actor, and each thread */
	bool is_closed;
	struct lookup_result *done, **last_done;
	int fd; /* eventfd */
};

static void free_results(struct lookup_result *result)
{
	while (result) {
		struct lookup_result *next = result->next;

		free(result);
		result = next;
	}
}

static void free_questions(struct question *question)
{
	while (question) {
		struct question *next = question->next;

		free(question->result);
		free(question);
		question = next;
	}
}

/* With the lock held, which is released. */
static void unref(struct lookup *lookup)
{
	bool is_last = --lookup->references == 0;

	pthread_mutex_unlock(&lookup->lock);
	if (!is_last)
		return;
	close(lookup->fd);
	free_questions(lookup->first);
	free_results(lookup->done);
	pthread_cond_destroy(&lookup->asked);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

int lookup_new(struct lookup **ret_lookup)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	pthread_condattr_t monotonic;

	if (!lookup)
		return -ENOMEM;
	lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lookup->fd < 0) {
		int r = -errno;

		free(lookup);
		return r;
	}
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_cond_init(&lookup->asked, &monotonic);
	pthread_condattr_destroy(&monotonic);
	lookup->last = &lookup->first;
	lookup->last_done = &lookup->done;
	lookup->references = 1;
	*ret_lookup = lookup;
	return 0;
}

int lookup_fd(const struct lookup *lookup)
{
	return lookup->fd;
}

struct lookup_result *lookup_take(struct lookup *lookup)
{
	uint64_t count;

	/* Before the look: what comes after it is told of again. */
	if (read(lookup->fd, &count, sizeof(count)) < 0)
		return NULL;
	pthread_mutex_lock(&lookup->lock);
	struct lookup_result *results = lookup->done;
	lookup->done = NULL;
	lookup->last_done = &lookup->done;
	pthread_mutex_unlock(&lookup->lock);
	return results;
}

static void add_address(struct lookup_result *result, const struct addrinfo *info)
{
	struct lookup_address *address = &result->addresses[result->count];

	if (info->ai_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, info->ai_addr, sizeof(v4));
		memcpy(address->bytes, &v4.sin_addr, sizeof(v4.sin_addr));
	} else if (info->ai_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, info->ai_addr, sizeof(v6));
		memcpy(address->bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
	} else {
		return;
	}
	address->family = (uint16_t)info->ai_family;
	result->count++;
}

static void answer(const char *host, struct lookup_result *result)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *infos = NULL;

	result->error = getaddrinfo(host, NULL, &hints, &infos);
	if (result->error == EAI_SYSTEM)
		result->code = errno;
	if (result->error == 0) {
		for (const struct addrinfo *info = infos;
		     info && result->count < LOOKUP_ADDRESSES; info = info->ai_next)
			add_address(result, info);
		freeaddrinfo(infos);
		if (result->count == 0)
			result->error = EAI_NONAME;
	}
}

/* With the lock held. */
static void hand_over(struct lookup *lookup, struct lookup_result *result)
{
	const uint64_t one = 1;

	*lookup->last_done = result;
	lookup->last_done = &result->next;
	/* It fails only when 2^64 are not taken. */
	if (write(lookup->fd, &one, sizeof(one)) < 0)
		return;
}

/* Wait for a question. NULL: the actor has ended, or none came for long. With the lock held. */
static struct question *take(struct lookup *lookup)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	lookup->n_idle++;
	while (!lookup->first && !lookup->is_closed &&
	       pthread_cond_timedwait(&lookup->asked, &lookup->lock, &until) == 0)
		;
	lookup->n_idle--;
	struct question *question = lookup->is_closed ? NULL : lookup->first;
	if (question) {
		lookup->first = question->next;
		if (!lookup->first)
			lookup->last = &lookup->first;
		lookup->n_waiting--;
	}
	return question;
}

static void *run(void *argument)
{
	struct lookup *lookup = argument;
	struct question *question;

	pthread_setname_np(pthread_self(), "http-names");
	pthread_mutex_lock(&lookup->lock);
	while ((question = take(lookup))) {
		struct lookup_result *result = question->result;

		pthread_mutex_unlock(&lookup->lock);
		answer(question->host, result);
		free(question);
		pthread_mutex_lock(&lookup->lock);
		hand_over(lookup, result);
	}
	lookup->n_threads--;
	unref(lookup);
	return NULL;
}

/* One more thread, with the lock held. Signals are for the worker's own. */
static int start_thread(struct lookup *lookup)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	int r = -pthread_attr_init(&attributes);
	if (r < 0)
		return r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&thread, &attributes, run, lookup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (r == 0) {
		lookup->n_threads++;
		lookup->references++;
	}
	return r;
}

int lookup_ask(struct lookup *lookup, uint64_t id, const char *host)
{
	size_t size = strlen(host) + 1;
	struct question *question = malloc(sizeof(*question) + size);
	int r = 0;

	struct lookup_result *result = calloc(1, sizeof(*result));
	if (!question || !result) {
		free(question);
		free(result);
		return -ENOMEM;
	}
	result->id = id;
	question->next = NULL;
	question->result = result;
	memcpy(question->host, host, size);
	pthread_mutex_lock(&lookup->lock);
	if (lookup->n_waiting == LOOKUP_WAITING)
		r = -EAGAIN;
	/* Some threads may be about to take what waits already: one too many at most. */
	else if (lookup->n_idle <= lookup->n_waiting && lookup->n_threads < LOOKUP_THREADS)
		r = start_thread(lookup);
	/* With fewer threads than wanted it takes longer; with none it cannot be done. */
	if (r < 0 && (lookup->n_threads == 0 || lookup->n_waiting == LOOKUP_WAITING)) {
		pthread_mutex_unlock(&lookup->lock);
		free(result);
		free(question);
		return -EAGAIN;
	}
	*lookup->last = question;
	lookup->last = &question->next;
	lookup->n_waiting++;
	pthread_cond_signal(&lookup->asked);
	pthread_mutex_unlock(&lookup->lock);
	return 0;
}

bool lookup_forget(struct lookup *lookup, uint64_t id)
{
	struct question *found = NULL;

	pthread_mutex_lock(&lookup->lock);
	for (struct question **place = &lookup->first; *place; place = &(*place)->next) {
		if ((*place)->result->id != id)
			continue;
		found = *place;
		*place = found->next;
		if (!*place)
			lookup->last = place;
		lookup->n_waiting--;
		break;
	}
	pthread_mutex_unlock(&lookup->lock);
	if (!found)
		return false;
	free(found->result);
	free(found);
	return true;
}

void lookup_close(struct lookup *lookup)
{
	if (!lookup)
		return;
	pthread_mutex_lock(&lookup->lock);
	lookup->is_closed = true;
	pthread_cond_broadcast(&lookup->asked);
	unref(lookup);
}
