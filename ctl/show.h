/* show.h - how single things look: states, counts, crashes, problems. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl/ctl.h"
#include "ctl/table.h"
#include "io.troupe.Control.varlink.h"

const char *show_state(enum api_state state);
enum table_colour show_state_colour(enum api_state state);

/* "2/4": how many of a unit's instances run. Fits 32 bytes. */
void show_running(const struct api_unit *unit, char *text, size_t size);

/* A whole unit, a line each for what it has. */
void show_unit(struct ctl *ctl, const struct api_unit *unit);

/* What holds up a stalled worker: "crash/0 has been in io.troupe.test.crash.Loop for 3s", "it
 * has not answered for 3s"; between two other texts. NULL: nothing. */
void show_stall(struct ctl *ctl, const char *before, const struct api_stall *stall,
		const char *after);

/* A line for each worker that did not answer, with what follows from it. */
/* How long almost all took, and the longest: "33us/61ms", or "-". */
void show_worst(const struct api_times *times, char *text, size_t size);
void show_silent(struct ctl *ctl, const struct api_int_array *workers, const char *what);

/* A crash, indented by `indent` blanks. */
void show_crash(struct ctl *ctl, const struct api_crash *crash, int indent);

/* What an actor has besides its mailbox, in a line; nothing when it has nothing. */
void show_owned(struct ctl *ctl, const struct api_actor *actor);

/* How long its handlers took, in a line; nothing when none was measured. */
void show_times(struct ctl *ctl, const struct api_actor *actor);

/* Problems of the configuration, each "FILE:LINE: MESSAGE", with `before` before it. */
void show_problems(struct ctl *ctl, const struct api_problem_array *problems,
		   const char *before);

/* Print like printf(), control characters shown as '?'. */
void show_print(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a text, in a colour. */
void show_coloured(struct ctl *ctl, enum table_colour colour, const char *text);

/* table_print() to the output. All: what there is no memory for makes it incomplete. */
void show_table(struct ctl *ctl, struct table *table);

/* Unix time in ms, as local time. Fits 32 bytes. */
void show_time(int64_t time_ms, char *text, size_t size);

/* The value, or "-" when it is absent. Fits 32 bytes. */
const char *show_int(const int64_t *value, char *text, size_t size);

#endif
