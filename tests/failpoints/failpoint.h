/* failpoint.h - make an allocation, or a call that gives a new descriptor, fail: by number or
 * by seed.
 *
 * The product's objects, and only those, are linked with the failable_X() of failpoint.c in
 * place of each X() that takes memory or a descriptor (tests/rules.mk renames the symbols;
 * tests/check/failpoints sees that none is left out). What tests and libraries allocate does
 * not fail. One control a process, for all its threads; of a process that a test starts it lies
 * in a file that the test has mapped too: TROUPE_FAILPOINTS names the directory, the program's
 * name is the file's. A program that knows nothing of this has it set by
 * TROUPE_FAILPOINT=NUMBER, or TROUPE_FAILPOINT=SEED/ONE_IN.
 */
#ifndef TEST_FAILPOINT_H
#define TEST_FAILPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAILPOINT_FRAMES 12

/* tests/system/failpoints.py knows this layout. */
struct failpoint_control {
	uint64_t passed; /* failpoints since this was last set */
	uint64_t number; /* which of them fails, from 1; 0: none */
	uint64_t state;  /* of the generator, when a seed decides */
	uint64_t one_in; /* then one in so many fails; 0: the number decides */
	uint64_t failed; /* how many have failed since */
	/* who called the last that failed, innermost first: offsets in the program */
	uint64_t from[FAILPOINT_FRAMES];
	char call[32]; /* the last that failed */
	/* Others neither fail nor count: the process, and where a caller stands, as offsets in
	 * the program; 0: all. */
	uint64_t pid;
	uint64_t within, within_end;
};

/* From now on the failpoint of this number fails, counted from 1; 0: they are only counted. */
void failpoint_number(uint64_t number);
/* From now on one failpoint in `one_in` fails, decided by the seed. */
void failpoint_seed(uint64_t seed, uint64_t one_in);
/* None fails, and they are not counted, until failpoint_on() goes on with both. */
void failpoint_off(void);
void failpoint_on(void);
/* Since the last of the two that set it. */
uint64_t failpoint_passed(void);
uint64_t failpoint_failed(void);
/* Write to stderr which one failed last, and its callers, as addr2line(1) takes them. */
void failpoint_print(void);

/* Blocks of memory that are allocated, by whomever; where a sanitizer counts them, their
 * bytes. */
uint64_t failpoint_blocks(void);
/* Bytes that our objects have mapped. */
uint64_t failpoint_mapped(void);
/* Open descriptors. */
unsigned failpoint_descriptors(void);

#endif
