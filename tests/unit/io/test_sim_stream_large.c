/* Much that passes a connection, and long lines: more of docs/traps.md. */
#include "harbour.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define MIB (1u << 20)

/* ------------------------------------------------------------------ trap 15 */

static struct {
	unsigned long blocks; /* of a MiB, of each writer */
	char of[2][MIB];      /* what a block consists of */
} fifteen;

static int writes_blocks(struct troupe_self *self, struct harbour *harbour, int which)
{
	for (unsigned long i = 0; i < fifteen.blocks; i++)
		assert_int_equal(troupe_write(self, harbour->stream, fifteen.of[which], MIB),
				 0);
	note(self, "%d wrote; ", which);
	return 0;
}

static int writes_zeros(struct troupe_self *self, struct harbour *harbour)
{
	return writes_blocks(self, harbour, 0);
}

static int writes_ones(struct troupe_self *self, struct harbour *harbour)
{
	return writes_blocks(self, harbour, 1);
}

/* Of this process, in memory: asked without taking any. */
static size_t resident(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128] = "";
	size_t all, here;

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(sscanf(text, "%zu %zu", &all, &here), 2);
	return here * (size_t)sysconf(_SC_PAGESIZE);
}

/* The next block, a little at a time: which of the two it is. It is so to its last byte. */
static int read_block(struct harbour *harbour)
{
	static char bytes[64 << 10];
	int which = -1;

	for (size_t at = 0; at < MIB;) {
		size_t room = MIB - at;
		ssize_t n = read(harbour->there, bytes,
				 room < sizeof(bytes) ? room : sizeof(bytes));

		harbour_run(harbour);
		if (n <= 0)
			continue;
		if (which < 0)
			which = bytes[0] == '1';
		assert_memory_equal(bytes, fifteen.of[which] + at, (size_t)n);
		at += (size_t)n;
	}
	return which;
}

/* Trap 15: 1 GiB of two writers that are always faster than who reads. */
static void gibibyte_passes_in_no_more_memory(void **state)
{
	struct harbour harbour;
	unsigned long n[2] = {0, 0};
	size_t before = 0, most = 0;

	(void)state;
	fifteen.blocks = harbour_scale("TRAP_MIB", 1024) / 2;
	memset(fifteen.of[0], '0', MIB);
	memset(fifteen.of[1], '1', MIB);
	harbour_play(&harbour, writes_zeros, writes_ones);
	while (n[0] + n[1] < 2 * fifteen.blocks) {
		n[read_block(&harbour)]++;
		if (n[0] + n[1] == 16)
			before = resident();
		if (before && most < resident())
			most = resident();
	}
	assert_int_equal(n[0], fifteen.blocks);
	assert_int_equal(n[1], fifteen.blocks);
	assert_true(most < before + 4 * MIB);
	assert_noted(&harbour, "0 wrote; 1 wrote; ");
	harbour_finish(&harbour);
}

#define LONG (3 * MIB + 4321)

/* ------------------------------------------------------------------ trap 16 */

/* It is in the letters of the alphabet, so that what is missing is missed. */
static char letter(size_t at)
{
	return (char)('a' + at % 26);
}

static int passes_a_long_line(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	size_t at = 0;
	ssize_t n;

	assert_int_equal(troupe_limit(self, harbour->stream, 0, MIB), 0);
	n = troupe_read_until(self, harbour->stream, "\n", MIB, &text);
	assert_int_equal(n, -EMSGSIZE);
	/* asked again it says so again, and waits for nothing */
	n = troupe_read_until(self, harbour->stream, "\n", MIB, &text);
	assert_int_equal(n, -EMSGSIZE);
	while (at < LONG) {
		char bytes[30000];
		size_t room = LONG - at;

		n = troupe_read(self, harbour->stream, bytes,
				room < sizeof(bytes) ? room : sizeof(bytes));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			assert_true(bytes[i] == letter(at + (size_t)i));
		at += (size_t)n;
	}
	n = troupe_read_until(self, harbour->stream, "\n", MIB, &text);
	assert_int_equal(n, 1); /* of the long one */
	n = troupe_read_until(self, harbour->stream, "\n", MIB, &text);
	note(self, "next %.*s; ", (int)n - 1, text);
	return 0;
}

/* Trap 16: a line of more than the 1 MiB that its reader allows. */
static void line_of_more_than_a_mebibyte_is_passed(void **state)
{
	struct harbour harbour;
	char *line = malloc(LONG + 8);
	size_t size, sent = 0;

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < LONG; i++)
		line[i] = letter(i);
	size = LONG + (size_t)sprintf(line + LONG, "\nshort\n");
	harbour_play(&harbour, passes_a_long_line);
	while (sent < size) {
		ssize_t n = write(harbour.there, line + sent, size - sent);

		if (n > 0)
			sent += (size_t)n;
		harbour_run(&harbour);
	}
	assert_noted(&harbour, "next short; ");
	free(line);
	harbour_finish(&harbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gibibyte_passes_in_no_more_memory),
		cmocka_unit_test(line_of_more_than_a_mebibyte_is_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
