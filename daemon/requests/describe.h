/* describe.h - units and workers in the words of io.troupe.Control.
 *
 * Values made here point into the arena and into what they describe: use them before anything
 * changes. Master process, one thread.
 */
#ifndef REQUESTS_DESCRIBE_H
#define REQUESTS_DESCRIBE_H

#include "io.troupe.Control.varlink.h"
#include "proto/arena.h"
#include <stdbool.h>

struct crash_frame;
struct histogram;
struct plugin_actor;
struct problems;
struct unit;
struct worker;

/* Without its instances. false: no memory. */
bool describe_unit(struct arena *arena, const struct unit *unit, struct api_unit *ret_unit);
/* `n` of its instances, from `first` on; so many there are. false: no memory. */
bool describe_instances(struct arena *arena, const struct unit *unit, unsigned first,
			unsigned n, struct api_instance_array *ret_instances);
bool describe_worker(struct arena *arena, const struct worker *worker,
		     struct api_worker *ret_worker);
/* A backtrace, borrowed but for what has places. false: no memory. */
bool describe_frames(struct arena *arena, const struct crash_frame *frames, unsigned n,
		     struct api_string_array *ret_texts);
/* How long things took, out of what may hold any number. NULL: no memory. */
const struct api_times *describe_times(struct arena *arena, const struct histogram *times);
/* Borrows the texts of the lists. */
bool describe_problems(struct arena *arena, const struct problems *const *lists, size_t n_lists,
		       struct api_problem_array *ret_problems,
		       struct api_problem_array *ret_warnings);

/* What actors of that type provide. NULL: nothing is known. */
struct api_string_array describe_interfaces(const struct plugin_actor *type);

/* `worker` is stalled: how. NULL: no memory. */
const struct api_stall *describe_stall(struct arena *arena, const struct worker *worker);

#endif
