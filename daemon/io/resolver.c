#include "io/resolver.h"

#include "base/text.h"
#include "core/slice.h"
#include "io/errand.h"
#include "io/inside.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/names.h>

#define KEY_BYTES (TROUPE_HOST_MAX + TROUPE_SERVICE_MAX + 2)

struct resolver {
	struct crew *crew;    /* NULL: nothing was looked up yet */
	struct index lookups; /* struct lookup, by name */
	struct list *known;   /* struct lookup, the oldest first */
	struct list *lines;   /* struct name_line */
	uint32_t n_under_way, n_known;
};

/* Those of one unit that are under way: what they may take of the threads. */
struct name_line {
	struct list of_resolver;
	struct crew_line line;
	uint32_t origin, users;
};

struct lookup {
	struct crew_work work;
	struct resolver *resolver;
	struct runtime *runtime;
	struct index_link by_name;
	struct list by_age;   /* known */
	struct list *waiters; /* struct task, whose item is a struct asker */
	struct name_line *line;
	uint64_t hash, until_ns; /* how long it is known */
	bool is_known;
	int error;
	uint32_t n_addresses;
	struct sockaddr_storage *addresses;
	size_t host_size;     /* with the NUL; the service follows, "" where it is a number */
	char name[KEY_BYTES]; /* in lower case */
};

/* Who waits for a lookup, and where its addresses go: on the stack of the task. */
struct asker {
	struct sockaddr_storage *addresses;
	size_t most;
	int port; /* -1: it asked for a service by name */
};

/* ---- in a thread */

static int error_of(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case EAI_NONAME:
	case EAI_SERVICE:
#ifdef EAI_NODATA
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
#endif
		return -ENOENT;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		/* -ETIMEDOUT is what a scope says */
		return errno == ETIMEDOUT ? -EAGAIN : errno > 0 ? -errno : -EIO;
	default:
		return -EIO;
	}
}

static void take_addresses(struct lookup *lookup, const struct addrinfo *infos)
{
	uint32_t n = 0;

	for (const struct addrinfo *at = infos; at && n < LIMIT_NAME_ADDRESSES;
	     at = at->ai_next)
		n++;
	lookup->addresses = calloc(n, sizeof(*lookup->addresses));
	if (!lookup->addresses) {
		lookup->error = -ENOMEM;
		return;
	}
	for (const struct addrinfo *at = infos; at && lookup->n_addresses < n; at = at->ai_next)
		if (at->ai_addrlen <= sizeof(*lookup->addresses))
			memcpy(&lookup->addresses[lookup->n_addresses++], at->ai_addr,
			       at->ai_addrlen);
}

static void run_lookup(struct crew_work *work, unsigned thread)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct lookup *lookup = container_of(work, struct lookup, work);
	const char *service = lookup->name + lookup->host_size;
	struct addrinfo *infos = NULL;

	(void)thread;
	lookup->error = error_of(
		getaddrinfo(lookup->name, service[0] ? service : NULL, &hints, &infos));
	if (lookup->error == 0)
		take_addresses(lookup, infos);
	if (infos)
		freeaddrinfo(infos);
	if (lookup->error == 0 && lookup->n_addresses == 0)
		lookup->error = -ENOENT;
}

/* ---- lines */

static struct name_line *enter_line(struct resolver *resolver, uint32_t origin)
{
	struct name_line *line;

	chain_foreach (at, resolver->lines) {
		line = container_of(at, struct name_line, of_resolver);
		if (line->origin == origin) {
			line->users++;
			return line;
		}
	}
	line = calloc(1, sizeof(*line));
	if (!line)
		return NULL;
	line->origin = origin;
	line->users = 1;
	chain_append(&resolver->lines, &line->of_resolver);
	return line;
}

static void leave_line(struct resolver *resolver, struct name_line *line)
{
	if (--line->users > 0)
		return;
	chain_remove(&resolver->lines, &line->of_resolver);
	free(line);
}

/* ---- lookups */

static void free_lookup(struct lookup *lookup)
{
	free(lookup->addresses);
	free(lookup);
}

/* It is known, or was taken back, and nobody waits for it. */
static void forget(struct lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;

	index_remove(&resolver->lookups, &lookup->by_name);
	if (lookup->is_known) {
		chain_remove(&resolver->known, &lookup->by_age);
		resolver->n_known--;
	}
	free_lookup(lookup);
}

static void end_work(struct lookup *lookup)
{
	lookup->resolver->n_under_way--;
	leave_line(lookup->resolver, lookup->line);
	lookup->line = NULL;
}

/* Somebody waits for it no more. */
static void look_for_waiters(struct lookup *lookup)
{
	if (!lookup->waiters && !lookup->is_known &&
	    crew_take_back(lookup->resolver->crew, &lookup->work)) {
		end_work(lookup);
		forget(lookup);
	}
}

/* How long that is to be believed. */
static uint64_t life_ns(int error)
{
	if (error == 0)
		return LIMIT_NAME_KNOWN_NS;
	return error == -ENOENT || error == -EAGAIN || error == -EIO ? LIMIT_NAME_UNKNOWN_NS
								     : 0;
}

static void set_port(struct sockaddr_storage *address, int port)
{
	if (port < 0)
		return;
	/* the same place in both */
	_Static_assert(offsetof(struct sockaddr_in, sin_port) ==
			       offsetof(struct sockaddr_in6, sin6_port),
		       "ports lie at the same place");
	((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

static int answer(const struct lookup *lookup, const struct asker *asker)
{
	size_t n = lookup->n_addresses < asker->most ? lookup->n_addresses : asker->most;

	if (lookup->error < 0)
		return lookup->error;
	for (size_t i = 0; i < n; i++) {
		asker->addresses[i] = lookup->addresses[i];
		set_port(&asker->addresses[i], asker->port);
	}
	return (int)n;
}

/* Each has its answer before it runs: whoever never does leaves nothing. */
static void answer_all(struct lookup *lookup)
{
	while (lookup->waiters) {
		struct task *task = container_of(lookup->waiters, struct task, of_wait);

		task_wake(lookup->runtime, task, answer(lookup, task->item));
	}
}

static void on_done(struct crew_work *work)
{
	struct lookup *lookup = container_of(work, struct lookup, work);
	struct resolver *resolver = lookup->resolver;

	runtime_touch(lookup->runtime);
	end_work(lookup);
	lookup->is_known = true;
	lookup->until_ns = lookup->runtime->now_ns + life_ns(lookup->error);
	chain_append(&resolver->known, &lookup->by_age);
	resolver->n_known++;
	answer_all(lookup);
	if (resolver->n_known > LIMIT_NAMES_KNOWN)
		forget(container_of(resolver->known, struct lookup, by_age));
}

struct wanted {
	char name[KEY_BYTES];
	size_t host_size, size;
	uint64_t hash;
	int port; /* -1: the service has a name */
};

static struct lookup *find(struct runtime *runtime, const struct wanted *wanted)
{
	struct resolver *resolver = runtime->io->resolver;
	struct lookup *lookup;

	index_foreach (lookup, &resolver->lookups, wanted->hash, by_name) {
		if (lookup->hash != wanted->hash ||
		    memcmp(lookup->name, wanted->name, sizeof(wanted->name)) != 0)
			continue;
		if (!lookup->is_known || lookup->until_ns > slice_now_ns(runtime))
			return lookup;
		forget(lookup);
		return NULL;
	}
	return NULL;
}

static int begin(struct troupe_self *self, const struct wanted *wanted,
		 struct lookup **ret_lookup)
{
	struct runtime *runtime = self->runtime;
	struct resolver *resolver = runtime->io->resolver;
	struct lookup *lookup;
	int rc;

	if (resolver->n_under_way >= LIMIT_LOOKUPS)
		return -ENOBUFS;
	rc = errand_crew(runtime, &resolver->crew, "names", LIMIT_NAME_THREADS,
			 LIMIT_NAME_STACK);
	if (rc < 0)
		return rc;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	lookup->line = enter_line(resolver, self->actor->unit->origin);
	if (!lookup->line) {
		free(lookup);
		return -ENOMEM;
	}
	lookup->work = (struct crew_work){.run = run_lookup, .on_done = on_done};
	lookup->resolver = resolver;
	lookup->runtime = runtime;
	lookup->hash = wanted->hash;
	lookup->host_size = wanted->host_size;
	memcpy(lookup->name, wanted->name, sizeof(wanted->name));
	rc = crew_give(resolver->crew, &lookup->line->line, LIMIT_UNIT_LOOKUPS, &lookup->work);
	if (rc < 0) {
		leave_line(resolver, lookup->line);
		free(lookup);
		return rc;
	}
	resolver->n_under_way++;
	index_put(&resolver->lookups, &lookup->by_name, lookup->hash);
	*ret_lookup = lookup;
	return 0;
}

/* ---- what is asked */

static uint64_t hash_name(const struct runtime *runtime, const char *name)
{
	uint64_t hash = runtime->secret, word;

	for (size_t at = 0; at < KEY_BYTES; at += sizeof(word)) {
		size_t left = KEY_BYTES - at;

		word = 0;
		memcpy(&word, name + at, left < sizeof(word) ? left : sizeof(word));
		hash = index_hash(hash, word, at);
	}
	return hash;
}

/* Printable, and nothing that a file of names takes for an end. */
static bool is_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static int read_wanted(const struct runtime *runtime, const char *host, const char *service,
		       struct wanted *wanted)
{
	size_t host_size = host ? strnlen(host, TROUPE_HOST_MAX + 1) : 0;
	size_t service_size = service ? strnlen(service, TROUPE_SERVICE_MAX + 1) : 0;
	uint64_t port = 0;

	if (host_size == 0 || host_size > TROUPE_HOST_MAX ||
	    service_size > TROUPE_SERVICE_MAX || !is_text(host, host_size) ||
	    !is_text(service, service_size))
		return -EINVAL;
	*wanted = (struct wanted){.host_size = host_size + 1};
	for (size_t i = 0; i < host_size; i++)
		wanted->name[i] = (char)tolower((unsigned char)host[i]);
	if (service_size > 0 && strspn(service, "0123456789") == service_size) {
		if (text_parse_uint(service, 0, UINT16_MAX, &port) < 0)
			return -EINVAL;
	} else if (service_size > 0) {
		wanted->port = -1;
		memcpy(wanted->name + wanted->host_size, service, service_size);
	}
	if (wanted->port == 0)
		wanted->port = (int)port;
	wanted->hash = hash_name(runtime, wanted->name);
	return 0;
}

/* Whether it is an address already, with a port's number. */
static bool read_address(const struct wanted *wanted, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (wanted->port < 0)
		return false;
	*ret_address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, wanted->name, &v4.sin_addr) == 1)
		memcpy(ret_address, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, wanted->name, &v6.sin6_addr) == 1)
		memcpy(ret_address, &v6, sizeof(v6));
	else
		return false;
	set_port(ret_address, wanted->port);
	return true;
}

int troupe_resolve(struct troupe_self *self, const char *host, const char *service,
		   struct sockaddr_storage *ret_addresses, size_t most)
{
	struct runtime *runtime = self->runtime;
	struct asker asker = {ret_addresses, most, 0};
	struct lookup *lookup;
	struct wanted wanted;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	rc = read_wanted(runtime, host, service, &wanted);
	if (rc < 0 || most == 0)
		return -EINVAL;
	if (!runtime->io)
		return -EOPNOTSUPP;
	if (pause_is_cut(task))
		return pause_refuse(task);
	if (read_address(&wanted, ret_addresses))
		return pause_ready(task, 1);
	asker.port = wanted.port;
	lookup = find(runtime, &wanted);
	if (lookup && lookup->is_known)
		return pause_ready(task, answer(lookup, &asker));
	if (!lookup) {
		rc = begin(self, &wanted, &lookup);
		if (rc < 0)
			return rc;
	}
	task->item = &asker;
	task->waits_for = "name";
	rc = pause_wait_in(task, &lookup->waiters);
	/* by its name: an answer may have come, and been forgotten, since the cut */
	lookup = rc < 0 ? find(runtime, &wanted) : NULL;
	if (lookup)
		look_for_waiters(lookup);
	return rc;
}

/* ---- life */

int resolver_new(struct resolver **ret_resolver)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int rc = resolver ? index_init(&resolver->lookups) : -ENOMEM;

	if (rc < 0)
		free(resolver);
	else
		*ret_resolver = resolver;
	return rc;
}

void resolver_free(struct resolver *resolver)
{
	struct lookup *lookup;
	size_t at = 0;

	if (!resolver)
		return;
	crew_free(resolver->crew);
	while ((lookup = index_take(&resolver->lookups, &at, struct lookup, by_name))) {
		if (lookup->line)
			leave_line(resolver, lookup->line);
		free_lookup(lookup);
	}
	index_fini(&resolver->lookups);
	free(resolver);
}

bool resolver_is_held(const struct resolver *resolver)
{
	return errand_crew_is_held(resolver->crew);
}
