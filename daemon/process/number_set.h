/* number_set.h - a few numbers, to be looked up. Memory of the owner, zeroed is empty; one
 * thread. */
#ifndef PROCESS_NUMBER_SET_H
#define PROCESS_NUMBER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_set {
	uint32_t *numbers; /* in the order they were added */
	size_t n;
};

bool number_set_has(const struct number_set *set, uint32_t number);
/* -ENOMEM. Does not look whether it is there already. */
int number_set_add(struct number_set *set, uint32_t number);
/* It may be absent. */
void number_set_remove(struct number_set *set, uint32_t number);
void number_set_fini(struct number_set *set);

#endif
