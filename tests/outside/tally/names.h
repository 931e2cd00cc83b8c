/* names.h - a few names and their counts, in the order of the alphabet. */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX 100

struct names {
	char *names[NAMES_MAX];
	int64_t counts[NAMES_MAX];
	size_t n;
};

/* One more of `name`: its count, or -1 when there is no room for it. */
int64_t names_add(struct names *names, const char *name);
void names_fini(struct names *names);

#endif
