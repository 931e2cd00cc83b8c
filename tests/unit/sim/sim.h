/* sim.h - what a test may do to the simulated loop, beside base/loop.h.
 *
 * The simulated loop has no signals and no time of its own, and descriptors only where it is
 * asked to look at them. Its clock starts at SIM_START_NS and jumps to the next timer when
 * nothing else is left to do, so that a test of minutes takes microseconds, and goes the same
 * way each time. What is ready at the same moment is taken in an order that the seed decides. A
 * program gets it by being linked with it ahead of base.a: unit tests named test_sim_*.c are.
 *
 * A seed also decides which works run early, and, in programs that have core/, which of the
 * actors that have something to do is next: turn.c here stands ahead of core.a.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/loop.h"

#define SIM_START_NS (1000ull * 1000000000ull)

/* Decide the order of all that may come in any order from now on. A new loop has seed 0 for
 * simultaneous events; its works run once a pass, and its actors in the order of their mail. */
void sim_seed(struct loop *loop, uint64_t seed);

/* A number below n, as the seed decides; 0 as long as there was none. */
uint64_t sim_pick(struct loop *loop, uint64_t n);

/* From now on ask the kernel, too, which descriptors are ready, or no more. Where whoever is at
 * their other ends lives in this process, that goes the same way each time; where others are,
 * time can pass without their answer by asking no more. */
void sim_poll(struct loop *loop, bool polls);

/* Let `loop` go by the clock of another from now on: processes of one machine. That one must
 * outlive it. */
void sim_share_clock(struct loop *loop, struct loop *of);

/* Whether a pass may find something to do now. Calls nothing. */
bool sim_is_due(struct loop *loop);

/* Whether loop_stop() was called, and loop_run() not since. */
bool sim_is_stopped(const struct loop *loop);

/* When its next timer is due; UINT64_MAX: there is none. */
uint64_t sim_next_ns(struct loop *loop);

/* Move the clock by hand; timers that come due are called in the next pass, all of them. Stands
 * for work that takes time, or a process that was suspended. */
void sim_advance(struct loop *loop, uint64_t ns);

/* From now on each look at the clock by whoever works in a pass takes so long, as if what is
 * between two took it: for what is done a piece at a time. */
void sim_be_slow(struct loop *loop, uint64_t ns);

/* Let an io's callback be called in the next pass with those of `events` that it watches then;
 * once. */
void sim_io_ready(struct loop_io *io, unsigned events);

/* Let a started signal's callback be called in the next pass. */
void sim_signal_raise(struct loop_signal *signal);

/* Let no work that a crew of this loop has begun end, base/crew.h, as if all were stuck; or no
 * longer. */
void sim_hold_crews(struct loop *loop, bool hold);
/* Of crew.c. */
struct list;
bool sim_crews_are_held(const struct loop *loop);
void sim_crew_enter(struct loop *loop, struct list *crew);
void sim_crew_turn(struct list *crew);

/* Whether a waiting pass would find nothing, ever: no timer, no event, no work. loop_run()
 * returns then (a real one would sleep for good). */
bool sim_is_asleep(struct loop *loop);

/* Step until asleep or the clock reaches until_ns; then the clock stands at until_ns at least.
 */
void sim_run_until(struct loop *loop, uint64_t until_ns);

#endif
