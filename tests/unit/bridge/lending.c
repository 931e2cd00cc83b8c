/* lending.c - what the tests of large payloads do. */
#include "lending.h"

#include "base/cleanup.h"
#include "bridge/bridge_inside.h"
#include "tests/unit/sim/sim.h"
#include <sys/stat.h>

static void pass(struct pair *f)
{
	struct bridge *bridges[] = {f->a.bridge, f->b.bridge};

	for (size_t i = 0; i < ARRAY_LEN(bridges); i++) {
		if (!bridges[i])
			continue;
		sim_io_ready(&bridges[i]->inbox_io, LOOP_READ);
		for (size_t worker = 1; worker <= 3; worker++)
			if (bridges[i]->routes.by_worker[worker].link)
				sim_io_ready(&bridges[i]->routes.by_worker[worker].link->io,
					     LOOP_READ);
	}
	loop_step(f->loop, false);
	pair_give_arenas(f);
}

void lending_passes(struct pair *f, unsigned n)
{
	while (n-- > 0)
		pass(f);
}

int lending_send_text(struct pair *f, struct pair_process *from, const struct pair_process *to,
		      enum envelope_kind kind, int64_t number, size_t length)
{
	cleanup_free char *text = pair_text(number, length);

	return pair_send_to(f, from, to->address, kind, number, text);
}

int lending_send(struct pair *f, int64_t number, size_t length)
{
	return lending_send_text(f, &f->a, &f->b, ENVELOPE_SEND, number, length);
}

size_t lending_memory_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (size_t)status.st_blocks * 512;
}

void lending_begin_pair(struct pair *f)
{
	pair_begin_both(f);
	f->a.is_checking = f->b.is_checking = true;
}

void lending_begin(struct pair *f, size_t arena)
{
	lending_begin_pair(f);
	f->arenas[1] = pair_make_arena(arena);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(lending_send(f, i, MIB), 0);
		lending_passes(f, 4);
	}
	assert_true(f->a.bridge->routes.by_worker[2].link->loans.is_accepted);
	assert_int_equal(f->b.last, 2);
	assert_int_equal(pair_stats_of(&f->a).lent_out, 0);
}

uint64_t lending_lent(const struct pair *f)
{
	return pair_lent_by(&f->a);
}
