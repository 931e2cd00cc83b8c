#include "proto/abi.h"

#include <errno.h>
#include <string.h>
#include <troupe/actor.h>

/* `least` never changes: it is the size in ABI 2.0. */
static const struct rule {
	uint32_t least, most;
	uint32_t size_at;
} rules[ABI_TABLES] = {
#define RULE(type, least)                                                                      \
	{                                                                                      \
		least, sizeof(struct type), offsetof(struct type, table_size)                  \
	}
	[ABI_ACTOR] = RULE(troupe_actor, 368),
	[ABI_LIFE] = RULE(troupe_life, 40),
	[ABI_ENTRY] = RULE(troupe_entry, 40),
	[ABI_HANDLERS] = RULE(troupe_handlers, 24),
	[ABI_INTERFACE] = RULE(troupe_interface, 48),
	[ABI_METHOD] = RULE(troupe_method, 56),
	[ABI_ERROR] = RULE(troupe_error, 32),
	[ABI_TYPE] = RULE(troupe_type, 80),
#undef RULE
};

/* All that may be pointers are whole words. */
#define ALIGN 8

bool abi_takes(uint16_t major, uint16_t minor)
{
	return major == TROUPE_ABI_MAJOR && minor <= TROUPE_ABI_MINOR;
}

uint32_t abi_least(enum abi_table which)
{
	return rules[which].least;
}

const char *abi_size_wrong(enum abi_table which, uint32_t size)
{
	if (size < rules[which].least)
		return "says a size that is smaller than ABI 2.0 has it";
	if (size > rules[which].most)
		return "is larger than this host knows it: it was built with a newer SDK than "
		       "it says";
	return size % ALIGN ? "says a size that is no multiple of 8" : NULL;
}

static int check_table(enum abi_table which, const struct bounds *bounds, const void *table,
		       uint32_t *ret_size, const char **ret_wrong)
{
	uint32_t size;

	if (bounds && !bounds_hold(bounds, table, 1, rules[which].least, ALIGN)) {
		*ret_wrong = bounds_wrong(bounds, table);
		return -EFAULT;
	}
	memcpy(&size, (const char *)table + rules[which].size_at, sizeof(size));
	*ret_wrong = abi_size_wrong(which, size);
	if (*ret_wrong)
		return -EINVAL;
	if (bounds && !bounds_hold(bounds, table, 1, size, ALIGN)) {
		*ret_wrong = bounds_wrong(bounds, table);
		return -EFAULT;
	}
	*ret_size = size;
	return 0;
}

int abi_check(enum abi_table which, const struct bounds *bounds, const void *table,
	      const char **ret_wrong)
{
	uint32_t size;

	return check_table(which, bounds, table, &size, ret_wrong);
}

int abi_copy(enum abi_table which, const struct bounds *bounds, const void *table,
	     void *ret_table, const char **ret_wrong)
{
	uint32_t size;
	int r = check_table(which, bounds, table, &size, ret_wrong);

	if (r < 0)
		return r;
	memcpy(ret_table, table, size);
	memset((char *)ret_table + size, 0, rules[which].most - size);
	return 0;
}
