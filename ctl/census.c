/* census.c - counting actors. */
#include "ctl/census.h"

#include "base/array.h"
#include "ctl/actors.h"
#include <stdlib.h>
#include <string.h>

#define KINDS_MAX 4096

void census_fini(struct census *census)
{
	for (size_t i = 0; i < census->count; i++) {
		free(census->kinds[i].unit);
		free(census->kinds[i].type);
	}
	free(census->kinds);
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct census_kind *get_kind(struct census *census, const struct api_actor *actor)
{
	struct census_kind *kind;

	for (size_t i = census->count; i > 0; i--) {
		kind = &census->kinds[i - 1];
		if (kind->worker == actor->worker && is_same(kind->unit, actor->unit) &&
		    is_same(kind->type, actor->actorType) &&
		    kind->is_spawned == !actor->instance)
			return kind;
	}
	if (census->count == KINDS_MAX)
		return NULL;
	kind = array_add(&census->kinds, &census->count, sizeof(*kind));
	if (!kind)
		return NULL;
	*kind = (struct census_kind){.worker = actor->worker,
				     .unit = actor->unit ? strdup(actor->unit) : NULL,
				     .type = strdup(actor->actorType),
				     .is_spawned = !actor->instance};
	return kind;
}

static int count_batch(struct ctl *ctl, const struct api_actor_array *actors,
		       const struct answer *answer, void *context)
{
	struct census *census = context;

	(void)ctl;
	(void)answer;
	for (size_t i = 0; i < actors->count; i++) {
		struct census_kind *kind = get_kind(census, &actors->items[i]);

		if (kind)
			kind->count++;
		else
			census->more++;
	}
	return STATUS_OK;
}

static int compare_kinds(const void *a, const void *b)
{
	const struct census_kind *one = a, *other = b;
	int r;

	if (one->worker != other->worker)
		return one->worker < other->worker ? -1 : 1;
	if (!one->unit != !other->unit)
		return one->unit ? -1 : 1;
	r = one->unit ? strcmp(one->unit, other->unit) : 0;
	if (r == 0 && one->is_spawned != other->is_spawned)
		return one->is_spawned ? 1 : -1;
	return r ? r : strcmp(one->type ? one->type : "", other->type ? other->type : "");
}

int census_take(struct ctl *ctl, struct census *ret_census)
{
	struct census census = {0};
	int r = actors_for_each(ctl, 0, count_batch, &census);

	if (r != STATUS_OK) {
		census_fini(&census);
		return r;
	}
	if (census.count > 0)
		qsort(census.kinds, census.count, sizeof(*census.kinds), compare_kinds);
	*ret_census = census;
	return STATUS_OK;
}
