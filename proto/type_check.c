#include "proto/type_check.h"

#include "base/cleanup.h"
#include "proto/arena.h"
#include "proto/codec_walk.h"
#include "proto/layout.h"
#include "proto/steps.h"
#include <errno.h>
#include <stdlib.h>

/* Two descriptors of one layout, walked side by side: the one that is judged, and the one that
 * its text made. */
struct pair {
	const struct troupe_type *claimed, *made;
};

struct type_judge {
	const struct bounds *bounds;
	const char *wrong;
	unsigned n_open;
	struct pair open[LAYOUT_DEPTH_MAX]; /* structs around the place of the walk */
};

static int refuse(struct type_judge *walk, const char *wrong)
{
	walk->wrong = wrong;
	return -EINVAL;
}

/* Whether two arrays of numbers and pointers, without padding, are the same. */
static bool is_same(const void *a, const void *b, size_t n, size_t size)
{
	return n == 0 || memcmp(a, b, n * size) == 0;
}

static bool has_same_steps(const struct troupe_type *claimed, const struct troupe_type *right)
{
	return claimed->n_steps == right->n_steps && claimed->n_words == right->n_words &&
	       claimed->n_floats == right->n_floats && claimed->levels == right->levels &&
	       is_same(claimed->steps, right->steps, right->n_steps, sizeof(*right->steps)) &&
	       is_same(claimed->words, right->words, right->n_words, sizeof(*right->words)) &&
	       is_same(claimed->floats, right->floats, right->n_floats, sizeof(*right->floats));
}

_Static_assert(sizeof(struct troupe_step) == 16 && sizeof(struct troupe_word) == 32,
	       "no padding");

static bool has_any_steps(const struct troupe_type *type)
{
	return type->steps || type->words || type->floats || type->n_steps || type->n_words ||
	       type->n_floats || type->levels;
}

/* Without the flags, what follows `item` may be absent. */
static bool has_right_steps(const struct troupe_type *claimed, const struct troupe_type *right)
{
	if (has_steps(claimed))
		return has_same_steps(claimed, right);
	return !(claimed->flags & TROUPE_TYPE_QUICK) || !has_any_steps(claimed);
}

/* The steps of a struct whose fields have been found right: those that its fields make, or
 * none. */
static int check_steps(struct type_judge *walk, const struct troupe_type *claimed)
{
	struct troupe_type right = *claimed;
	struct arena memory;
	int r;

	right.flags &= TROUPE_TYPE_PLAIN;
	right.steps = NULL;
	right.words = NULL;
	right.floats = NULL;
	right.n_steps = right.n_words = right.n_floats = right.levels = 0;
	if (has_steps(claimed) &&
	    ((claimed->n_steps &&
	      !BOUNDS_HOLD(walk->bounds, claimed->steps, claimed->n_steps)) ||
	     (claimed->n_words &&
	      !BOUNDS_HOLD(walk->bounds, claimed->words, claimed->n_words)) ||
	     (claimed->n_floats &&
	      !BOUNDS_HOLD(walk->bounds, claimed->floats, claimed->n_floats))))
		return refuse(walk, "has steps that are not in the plug-in");
	arena_init(&memory);
	r = steps_make(&right, &memory);
	if (r == 0 && (claimed->flags & ~right.flags))
		r = refuse(walk, "has flags that its fields do not give it");
	else if (r == 0 && claimed->flags & TROUPE_TYPE_QUICK && !is_plain(claimed) &&
		 !has_steps(claimed))
		r = refuse(walk, "is to be handled by steps that it lacks");
	else if (r == 0 && !has_right_steps(claimed, &right))
		r = refuse(walk, "has other steps than its fields make");
	arena_fini(&memory);
	return r;
}

static int compare(struct type_judge *walk, const struct troupe_type *claimed,
		   const struct troupe_type *made);

static int compare_struct(struct type_judge *walk, const struct troupe_type *claimed,
			  const struct troupe_type *made)
{
	int r = 0;

	for (unsigned i = 0; i < walk->n_open; i++)
		if (walk->open[i].claimed == claimed)
			return 0; /* by its text, it is made's as well */
	walk->open[walk->n_open++] = (struct pair){claimed, made};
	for (uint32_t i = 0; i < made->count && r == 0; i++) {
		r = compare(walk, claimed->fields[i].type, made->fields[i].type);
		if (r == 0 && (claimed->fields[i].offset != made->fields[i].offset ||
			       claimed->fields[i].reserved))
			r = refuse(walk, "has a field whose offset is wrong");
	}
	walk->n_open--;
	return r < 0 ? r : check_steps(walk, claimed);
}

static int compare(struct type_judge *walk, const struct troupe_type *claimed,
		   const struct troupe_type *made)
{
	if (claimed->size != made->size || claimed->align != made->align)
		return refuse(walk, "has another size or alignment than its fields give it");
	if (claimed->stride != made->stride || claimed->value_offset != made->value_offset ||
	    claimed->entry_align != made->entry_align)
		return refuse(walk, "has an array or map whose items have a wrong layout");
	if (!claimed->fields != !made->fields || !claimed->names != !made->names)
		return refuse(walk, "has fields or names where it can have none");
	if (is_plain(claimed) != is_plain(made))
		return refuse(walk, "has flags that its fields do not give it");
	if (made->kind == TROUPE_STRUCT)
		return compare_struct(walk, claimed, made);
	if (claimed->flags != made->flags)
		return refuse(walk, "has flags that its fields do not give it");
	return made->item ? compare(walk, claimed->item, made->item) : 0;
}

int type_check(const struct troupe_type *type, const struct bounds *bounds, char **ret_layout,
	       const char **ret_wrong)
{
	cleanup_free char *text = NULL;
	struct layout *layout;
	struct type_judge walk = {.bounds = bounds};
	int r = layout_print_within(type, bounds, &text, ret_wrong);

	if (r == -EINVAL)
		return -EFAULT;
	if (r == 0)
		r = layout_parse(text, strlen(text), &layout);
	if (r < 0) {
		*ret_wrong = text ? "is no valid struct" : "is too large";
		return r == -ENOMEM ? r : -EINVAL;
	}
	r = compare(&walk, type, layout_type(layout));
	layout_free(layout);
	if (r < 0) {
		*ret_wrong = walk.wrong;
		return r;
	}
	*ret_layout = take_pointer(&text);
	return 0;
}
