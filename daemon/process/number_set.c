#include "process/number_set.h"

#include "base/array.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_set_has(const struct number_set *set, uint32_t number)
{
	for (size_t i = set->n; i-- > 0;)
		if (set->numbers[i] == number)
			return true;
	return false;
}

int number_set_add(struct number_set *set, uint32_t number)
{
	uint32_t *place = array_add(&set->numbers, &set->n, sizeof(number));

	if (!place)
		return -ENOMEM;
	*place = number;
	return 0;
}

void number_set_remove(struct number_set *set, uint32_t number)
{
	for (size_t i = set->n; i-- > 0;) {
		if (set->numbers[i] != number)
			continue;
		set->n--;
		memmove(&set->numbers[i], &set->numbers[i + 1],
			(set->n - i) * sizeof(*set->numbers));
		return;
	}
}

void number_set_fini(struct number_set *set)
{
	free(set->numbers);
	*set = (struct number_set){0};
}
