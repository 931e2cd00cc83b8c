/* test_base_failpoints.c - each allocation and each descriptor of base/ fails once. */
#include "base/buffer.h"
#include "base/crew.h"
#include "base/elf.h"
#include "base/elf_image.h"
#include "base/io.h"
#include "base/loop.h"
#include "base/overrun.h"
#include "base/seqpacket.h"
#include "tests/failpoints/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

static int fill_buffer(void *data)
{
	struct buffer buffer;
	size_t held = 0;
	int r = 0;

	(void)data;
	buffer_init(&buffer, 1 << 20);
	for (int i = 0; i < 3000 && r == 0; i++) {
		r = buffer_printf(&buffer, "%04d", i);
		if (r == 0)
			held += 4;
		/* What it holds is what was accepted. */
		assert_int_equal(buffer_size(&buffer), held);
	}
	sweep_calm();
	assert_int_equal(buffer_append(&buffer, "more", 4), 0);
	assert_int_equal(buffer_size(&buffer), held + 4);
	assert_memory_equal(buffer_data(&buffer) + held, "more", 4);
	buffer_fini(&buffer);
	return r;
}

/* ---- what is read whole: files, memory that travels */

static int read_file(void *data)
{
	char *text;
	size_t size;
	int r = io_file_read(AT_FDCWD, "/proc/self/exe", 64u << 20, &text, &size);

	(void)data;
	if (r < 0)
		return r;
	assert_true(size > 1000 && memcmp(text, "\177ELF", 4) == 0);
	free(text);
	/* A file that does not tell its size. */
	r = io_file_read(AT_FDCWD, "/proc/self/maps", 1u << 20, &text, &size);
	if (r < 0)
		return r;
	assert_true(size > 0);
	free(text);
	return 0;
}

static int map_memory(void *data)
{
	const void *mapped;
	size_t size;
	int fd, r = memfd_of("test", "text", 4, &fd);

	(void)data;
	if (r < 0)
		return r;
	r = memfd_map(fd, 100, &mapped, &size);
	if (r == 0) {
		assert_int_equal(size, 4);
		assert_memory_equal(mapped, "text", 4);
		memfd_unmap(mapped, size);
	}
	close(fd);
	return r;
}

static int read_elf(void *data)
{
	struct elf elf;
	struct elf_image image;
	char *file;
	size_t size;
	int r = io_file_read(AT_FDCWD, "/proc/self/exe", 64u << 20, &file, &size);

	(void)data;
	if (r < 0)
		return r;
	assert_int_equal(elf_init(file, size, &elf), 0);
	r = elf_image_make(&elf, &image);
	if (r == 0) {
		assert_true(image.size > 0);
		elf_image_fini(&image);
	}
	free(file);
	return r;
}

/* ---- a descriptor that cannot be received is reported, the packets after it arrive */

static int pass_descriptors(void *data)
{
	int pair[2], got[SEQPACKET_FDS], r;
	size_t size, n_got;
	char text[16];
	const struct iovec part = {(void *)(uintptr_t) "packet", 6};

	(void)data;
	r = seqpacket_pair(pair);
	if (r < 0)
		return r;
	assert_int_equal(seqpacket_send(pair[0], &part, 1, pair, 2), 0);
	assert_int_equal(seqpacket_send(pair[0], &part, 1, NULL, 0), 0);
	r = seqpacket_receive(pair[1], text, sizeof(text), &size, got, &n_got);
	if (r == 0) {
		assert_int_equal(n_got, 2);
		close(got[0]);
		close(got[1]);
	}
	assert_int_equal(seqpacket_receive(pair[1], text, sizeof(text), &size, got, &n_got), 0);
	assert_int_equal(size, 6);
	assert_int_equal(n_got, 0);
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* ---- the loop, and the thread that watches over it */

static void stop_loop(struct loop_timer *timer)
{
	loop_stop(timer->loop);
}

static int run_loop(void *data)
{
	struct loop *loop;
	struct loop_timer timer;
	struct overrun *overrun;
	_Atomic uint64_t word = 1;
	int r = loop_new(&loop);

	(void)data;
	if (r < 0)
		return r;
	loop_timer_init(&timer, loop, stop_loop);
	loop_timer_start(&timer, 1);
	loop_run(loop);
	r = overrun_new(loop, &word, &overrun);
	if (r == 0)
		overrun_free(overrun);
	loop_timer_start(&timer, 1);
	loop_run(loop);
	loop_free(loop);
	return r;
}

static void buffer_holds_what_it_accepted(void **state)
{
	(void)state;
	sweep(fill_buffer, NULL);
}

static void what_is_read_whole_is_refused(void **state)
{
	(void)state;
	sweep(read_file, NULL);
	sweep(map_memory, NULL);
	sweep(read_elf, NULL);
}

static void packets_arrive_behind_a_lost_descriptor(void **state)
{
	(void)state;
	sweep(pass_descriptors, NULL);
}

static void note_hangup(struct loop_io *io, unsigned events)
{
	assert_int_equal(events, LOOP_HANGUP);
	loop_io_stop(io);
	loop_stop(io->loop);
}

/* What could not be watched is not taken for watched: the next time it is. */
static int watch_hangup(void *data)
{
	struct loop *loop;
	struct loop_io io;
	int ends[2], r = loop_new(&loop), watched;

	(void)data;
	if (r < 0)
		return r;
	r = seqpacket_pair(ends);
	if (r < 0) {
		loop_free(loop);
		return r;
	}
	loop_io_init(&io, loop, ends[0], note_hangup);
	watched = loop_io_set(&io, LOOP_HANGUP);
	assert_int_equal(io.started, watched == 0);
	sweep_calm();
	assert_int_equal(loop_io_set(&io, LOOP_HANGUP), 0);
	close(ends[1]);
	loop_run(loop);
	close(ends[0]);
	loop_free(loop);
	return watched;
}

static void loop_is_made_whole_or_not_at_all(void **state)
{
	(void)state;
	sweep(run_loop, NULL);
	sweep(watch_hangup, NULL);
}

/* ---- crews: without a thread the work is refused, and not begun */

static void do_nothing(struct crew_work *work, unsigned thread)
{
	(void)work;
	(void)thread;
}

static void note_done(struct crew_work *work)
{
	work->is_lost = true; /* it is nobody's any more */
}

static int do_work(void *data)
{
	struct crew_work work = {.run = do_nothing, .on_done = note_done};
	struct crew_line line = {0};
	struct crew *crew = NULL;
	struct loop *loop = NULL;
	int r = loop_new(&loop);

	(void)data;
	if (r == 0)
		r = crew_new(&(struct crew_config){.loop = loop,
						   .name = "test",
						   .most = 1,
						   .rest_ns = 1000000000,
						   .stack = 1 << 20},
			     &crew);
	if (r == 0)
		r = crew_give(crew, &line, 1, &work);
	if (r == 0)
		while (!work.is_lost)
			loop_step(loop, true);
	assert_int_equal(line.admitted, 0);
	if (crew)
		assert_int_equal(crew_count(crew).waiting, 0);
	crew_free(crew);
	if (loop)
		loop_free(loop);
	return r;
}

static void crews(void **state)
{
	(void)state;
	sweep(do_work, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_holds_what_it_accepted),
		cmocka_unit_test(what_is_read_whole_is_refused),
		cmocka_unit_test(packets_arrive_behind_a_lost_descriptor),
		cmocka_unit_test(loop_is_made_whole_or_not_at_all),
		cmocka_unit_test(crews),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
