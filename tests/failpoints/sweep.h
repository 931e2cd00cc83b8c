/* sweep.h - run a scenario once for each failpoint that it passes, and make that one fail.
 *
 * A scenario sets up what it needs, does it, and takes all down again, whatever happens. It
 * returns 0 when all was as without a failpoint, which it asserts (1: and something is left by
 * design), and else the error that it got. A sweep runs it without a failure, counts the
 * failpoints, and runs it once for each of them: nothing may crash, no memory and no descriptor
 * be left, an error be an error of memory or descriptors. Then pairs and more, by seeds. In the
 * end it must succeed as it did first.
 *
 * TROUPE_SWEEP=full does all of them; otherwise so many as there is time for, spread over all
 * (SWEEP_BRIEF_NS a scenario).
 */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

typedef int sweep_scenario(void *data);

void sweep(sweep_scenario *scenario, void *data);
/* Within a scenario: from here on nothing fails, as what follows is a test's own, or sees
 * whether things are still usable. */
void sweep_calm(void);
/* And from here on it does again, if it has not yet. */
void sweep_go_on(void);

#endif
