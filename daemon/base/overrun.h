/* overrun.h - notice that something takes too long, while it goes on.
 *
 * For a thread that cannot read the clock often, since what it does takes less time than that,
 * and cannot be interrupted either. It says until when the stretch at hand may last; when that
 * time has passed, a word of its memory becomes 0, to be seen at the next opportunity. A thread
 * of the overrun's own does that; it sleeps while no stretch is under way. In simulated time
 * (tests/unit/sim/loop.c) the loop's clock does it, the moment it gets there.
 *
 * One owner, in whose thread all functions are called.
 */
#ifndef BASE_OVERRUN_H
#define BASE_OVERRUN_H

#include <stdatomic.h>
#include <stdint.h>

struct loop;
struct overrun;

/* `word`: set to 0 (relaxed) when a stretch lasts too long; memory that outlives the overrun.
 * `loop`: whose clock counts. *ret_overrun is given. -ENOMEM; -EAGAIN: no thread can be
 * made. */
int overrun_new(struct loop *loop, _Atomic uint64_t *word, struct overrun **ret_overrun);
/* Its thread has ended afterwards. NULL is fine. */
void overrun_free(struct overrun *overrun);

/* The stretch at hand may last until due_ns (loop_clock_ns(), not 0). From then on, the word is
 * set to 0 once, and again each millisecond, until overrun_end() or another overrun_begin(); it
 * may still be set once right after those. */
void overrun_begin(struct overrun *overrun, uint64_t due_ns);
/* No stretch is under way. */
void overrun_end(struct overrun *overrun);

#endif
