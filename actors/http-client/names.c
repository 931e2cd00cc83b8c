/* names.c - see names.h. */
#include "names.h"
#include "hash.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
	UT_hash_handle hh;
	struct name *next, *prev; /* in names->asked or names->known */
	bool is_known;
	uint64_t id;            /* while it is asked for */
	struct waiter *waiters; /* likewise */
	uint64_t until_ns;      /* once it is known */
	char *addresses;
	char reason[128];
	char host[];
};

int names_init(struct names *names, uint64_t good_ns, uint64_t bad_ns)
{
	*names = (struct names){.good_ns = good_ns, .bad_ns = bad_ns};
	return lookup_new(&names->lookup);
}

static void remove_name(struct names *names, struct name *name)
{
	if (name->is_known) {
		DL_DELETE(names->known, name);
		names->n_known--;
	} else {
		DL_DELETE(names->asked, name);
		names->n_asked--;
	}
	HASH_DEL(names->by_host, name);
	free(name->addresses);
	free(name);
}

void names_fini(struct names *names)
{
	lookup_close(names->lookup);
	while (names->asked)
		remove_name(names, names->asked);
	while (names->known)
		remove_name(names, names->known);
	*names = (struct names){0};
}

static struct name *add(struct names *names, const char *host, size_t length)
{
	struct name *name = calloc(1, sizeof(*name) + length + 1);

	if (!name)
		return NULL;
	memcpy(name->host, host, length + 1);
	HASH_ADD_KEYPTR(hh, names->by_host, name->host, length, name);
	if (!name->hh.tbl) {
		free(name);
		return NULL;
	}
	name->id = ++names->last_id;
	DL_APPEND(names->asked, name);
	names->n_asked++;
	return name;
}

int names_ask(struct names *names, const char *host, uint64_t now_ns, struct waiter *waiter,
	      const struct name **ret_name)
{
	size_t length = strlen(host);
	struct name *name;

	if (length > LOOKUP_HOST_MAX)
		return -ENAMETOOLONG;
	HASH_FIND(hh, names->by_host, host, length, name);
	if (name && name->is_known && now_ns < name->until_ns) {
		*ret_name = name;
		return 1;
	}
	if (name && name->is_known) {
		remove_name(names, name);
		name = NULL;
	}
	if (!name) {
		while (names->n_known >= NAMES_MAX)
			remove_name(names, names->known);
		name = add(names, host, length);
		if (!name)
			return -ENOMEM;
		int r = lookup_ask(names->lookup, name->id, host);
		if (r < 0) {
			remove_name(names, name);
			return r;
		}
		names->n_lookups++;
	}
	waiter->name = name;
	DL_APPEND(name->waiters, waiter);
	return 0;
}

void names_forget(struct names *names, struct waiter *waiter)
{
	struct name *name = waiter->name;

	if (!name)
		return;
	DL_DELETE(name->waiters, waiter);
	waiter->name = NULL;
	/* What a thread is at already will be known for the next who ask. */
	if (!name->waiters && lookup_forget(names->lookup, name->id))
		remove_name(names, name);
}

static char *print_addresses(const struct lookup_result *result)
{
	/* An IPv6 address is in brackets; a comma, or the end, follows each. */
	char *text = malloc(LOOKUP_ADDRESSES * (INET6_ADDRSTRLEN + 3)), *end = text;

	for (uint32_t i = 0; text && i < result->count; i++) {
		const struct lookup_address *address = &result->addresses[i];
		bool is_v6 = address->family == AF_INET6;
		char one[INET6_ADDRSTRLEN];

		inet_ntop(address->family, address->bytes, one, sizeof(one));
		end += sprintf(end, "%s%s%s%s", i ? "," : "", is_v6 ? "[" : "", one,
			       is_v6 ? "]" : "");
	}
	return text;
}

struct waiter *names_take(struct names *names, const struct lookup_result *result,
			  uint64_t now_ns, const struct name **ret_name)
{
	struct name *name;

	DL_FOREACH(names->asked, name)
	if (name->id == result->id)
		break;
	if (!name)
		return NULL;
	struct waiter *waiters = name->waiters, *waiter;
	DL_FOREACH(waiters, waiter)
	waiter->name = NULL;
	name->waiters = NULL;
	DL_DELETE(names->asked, name);
	names->n_asked--;
	name->is_known = true;
	DL_APPEND(names->known, name);
	names->n_known++;
	if (result->error == 0)
		name->addresses = print_addresses(result);
	if (name->addresses) {
		name->until_ns = now_ns + names->good_ns;
	} else {
		/* What this machine lacks says nothing of the name. */
		bool is_ours = result->error == 0 || result->error == EAI_MEMORY ||
			       result->error == EAI_SYSTEM;

		name->until_ns = now_ns + (is_ours ? 0 : names->bad_ns);
		snprintf(name->reason, sizeof(name->reason), "%s",
			 result->error == 0            ? strerror(ENOMEM)
			 : result->error == EAI_SYSTEM ? strerror(result->code)
						       : gai_strerror(result->error));
	}
	*ret_name = name;
	return waiters;
}

const char *name_addresses(const struct name *name)
{
	return name->addresses;
}

const char *name_reason(const struct name *name)
{
	return name->reason;
}
