#include "requests/unit_text.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "proto/arena.h"
#include "proto/json.h"
#include "requests/describe.h"
#include "units/unit.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void unit_text_fini(struct unit_text *text)
{
	free(text->text);
	*text = (struct unit_text){0};
}

static const struct troupe_type *instances_type(void)
{
	const struct troupe_type *unit = &api_unit_type;

	for (uint32_t i = 0; i < unit->count; i++)
		if (strcmp(unit->fields[i].name, "instances") == 0)
			return unit->fields[i].type;
	check(!"units have instances");
	return NULL;
}

int unit_text_begin(struct unit_text *text, const struct troupe_type *type, const void *value,
		    const char *unit, unsigned n, struct buffer *out)
{
	/* Not inside of a string, where each quotation mark has a backslash before it. */
	static const char empty[] = "\"instances\":[]";
	const char *found;
	size_t before;
	int r;

	r = json_encode(type, value, &text->text, &text->size);
	if (r < 0)
		return r;
	found = strstr(text->text, empty);
	check(found && strlen(unit) < sizeof(text->unit));
	before = (size_t)(found - text->text) + strlen(empty) - 1;
	r = buffer_append(out, text->text, before);
	if (r < 0) {
		unit_text_fini(text);
		return r;
	}
	strcpy(text->unit, unit);
	text->rest = before;
	text->next = 0;
	text->end = n;
	return 0;
}

/* Put in some more. 0: there are none. */
static int put_slice(struct unit_text *text, struct master *master, struct buffer *out)
{
	const struct unit *unit = unit_find(master, text->unit);
	struct api_instance_array instances;
	cleanup_free char *slice = NULL;
	unsigned n = text->end - text->next;
	struct arena arena;
	size_t size;
	int r;

	if (!unit || unit->n_instances <= text->next)
		return 0;
	if (n > unit->n_instances - text->next)
		n = unit->n_instances - text->next;
	if (n > UNIT_TEXT_SLICE)
		n = UNIT_TEXT_SLICE;
	if (n == 0)
		return 0;
	arena_init(&arena);
	r = describe_instances(&arena, unit, text->next, n, &instances)
		    ? json_encode(instances_type(), &instances, &slice, &size)
		    : -ENOMEM;
	arena_fini(&arena);
	if (r < 0)
		return r;
	/* Without its brackets. */
	slice[0] = ',';
	r = buffer_append(out, text->next > 0 ? slice : slice + 1,
			  size - (text->next > 0 ? 1 : 2));
	text->next += n;
	return r < 0 ? r : 1;
}

int unit_text_go_on(struct unit_text *text, struct master *master, uint64_t until_ns,
		    struct buffer *out)
{
	int r;

	do
		r = put_slice(text, master, out);
	while (r > 0 && loop_clock_ns(master->loop) < until_ns);
	if (r != 0)
		return r < 0 ? r : 0;
	r = buffer_append(out, text->text + text->rest, text->size - text->rest);
	unit_text_fini(text);
	return r < 0 ? r : 1;
}
