/* test_nanomsg.c - bridges of two real processes over nanomsg. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "bridge/bridge.h"
#include "bridge/nanomsg.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATIENCE_NS (60 * TROUPE_SECOND_NS)

/* Both processes: worker 1 is the test, worker 2 its child. */
struct party {
	struct loop *loop;
	struct nanomsg nanomsg;
	struct bridge *bridge;
	struct troupe_address self, other;
	uint64_t got, last, bytes; /* envelopes, number of the last, bytes of payload */
	unsigned rooms, downs, gaps, drops;
	uint64_t reply_until; /* the child: then it leaves */
	bool is_closed;
};

static const struct troupe_address address_1 = {
	.worker = 1, .incarnation = 1, .slot = 1, .generation = 1};
static const struct troupe_address address_2 = {
	.worker = 2, .incarnation = 1, .slot = 1, .generation = 1};

static int send_number(struct party *process, enum envelope_kind kind, uint64_t number,
		       const void *payload, size_t size)
{
	struct envelope e = {.kind = kind,
			     .from = process->self,
			     .to = process->other,
			     .hash = 1,
			     .payload = payload,
			     .size = size};

	if (kind != ENVELOPE_SEND)
		e.call = number;
	else
		e.hash = number;
	return bridge_send(process->bridge, &e, NULL, NULL, NULL);
}

static void on_closed(void *context)
{
	struct party *process = context;

	process->is_closed = true;
	loop_stop(process->loop);
}

static void on_envelope(void *context, struct process peer, const struct envelope *e)
{
	struct party *process = context;
	uint64_t number = e->kind == ENVELOPE_SEND ? e->hash : e->call;

	(void)peer;
	process->got++;
	process->bytes += e->size;
	if (number != process->last + 1)
		abort();
	process->last = number;
	/* The child answers each, and leaves after the last. */
	if (process->self.worker == 2 && e->kind == ENVELOPE_SEND &&
	    send_number(process, ENVELOPE_REPLY, number, e->payload, e->size) < 0)
		abort();
	if (number == process->reply_until)
		bridge_close(process->bridge, PATIENCE_NS, on_closed);
}

static void on_room(void *context, struct process peer)
{
	(void)peer;
	((struct party *)context)->rooms++;
}

static void on_down(void *context, struct process peer, bool crashed)
{
	(void)peer;
	(void)crashed;
	((struct party *)context)->downs++;
}

static void on_gap(void *context, struct process peer, uint64_t lost)
{
	(void)peer;
	(void)lost;
	((struct party *)context)->gaps++;
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	(void)envelope;
	(void)reason;
	((struct party *)context)->drops++;
}

static const struct bridge_ops ops = {on_envelope, on_room, on_down, on_gap, on_dropped, NULL};

static int open_process(struct party *process, const char *directory,
			struct troupe_address self, struct troupe_address other)
{
	struct bridge_config config = {
		.directory = directory,
		.process = process_of(self),
		.ops = &ops,
		.context = process,
	};
	int r;

	process->self = self;
	process->other = other;
	process->nanomsg.frame_max = ENVELOPE_BATCH_MAX;
	r = loop_new(&process->loop);
	if (r < 0)
		return r;
	config.loop = process->loop;
	config.transport = nanomsg_transport(&process->nanomsg);
	return bridge_new(&config, &process->bridge);
}

static void close_process(struct party *process)
{
	bridge_free(process->bridge);
	loop_free(process->loop);
}

/* The child never returns. */
static _Noreturn void run_child(const char *directory, uint64_t reply_until)
{
	struct party process = {.reply_until = reply_until};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (open_process(&process, directory, address_2, address_1) < 0)
		_exit(1);
	loop_run(process.loop);
	close_process(&process);
	_exit(0);
}

struct fixture {
	char directory[64];
	pid_t child;
	struct party here;
};

/* The child is forked before this process has touched nanomsg; each test is a process of its
 * own for that. */
static void begin(struct fixture *f, uint64_t reply_until)
{
	*f = (struct fixture){.directory = "/tmp/troupe-test-XXXXXX"};
	assert_non_null(mkdtemp(f->directory));
	f->child = fork();
	if (f->child == 0)
		run_child(f->directory, reply_until);
	assert_true(f->child > 0);
	assert_int_equal(open_process(&f->here, f->directory, address_1, address_2), 0);
	assert_int_equal(bridge_peer_up(f->here.bridge, process_of(address_2)), 0);
}

static void step(struct fixture *f)
{
	/* A timer would do as well; the loop waits for something in any case. */
	loop_step(f->here.loop, false);
}

static void end(struct fixture *f)
{
	char path[96];
	int status;

	close_process(&f->here);
	kill(f->child, SIGKILL);
	waitpid(f->child, &status, 0);
	snprintf(path, sizeof(path), "%s/w1-1", f->directory);
	assert_int_equal(access(path, F_OK), -1); /* an orderly end leaves nothing */
	snprintf(path, sizeof(path), "%s/w2-1", f->directory);
	unlink(path);
	rmdir(f->directory);
}

static uint64_t deadline_after(struct fixture *f, uint64_t ns)
{
	return loop_clock_ns(f->here.loop) + ns;
}

/* Send numbers from..to as the link takes them, and wait until as many answers are there.
 * Patience is for the next of them. */
static void exchange(struct fixture *f, uint64_t from, uint64_t to, const void *payload,
		     size_t size)
{
	uint64_t deadline = deadline_after(f, PATIENCE_NS), last = f->here.last;
	unsigned rooms = 0;
	bool is_refused = false;

	while (from <= to || f->here.last < to) {
		if (f->here.last != last)
			deadline = deadline_after(f, PATIENCE_NS);
		last = f->here.last;
		assert_true(loop_clock_ns(f->here.loop) < deadline);
		if (is_refused && f->here.rooms > rooms)
			is_refused = false;
		while (!is_refused && from <= to) {
			int r;

			rooms = f->here.rooms;
			r = send_number(&f->here, ENVELOPE_SEND, from, payload, size);
			if (r == -EAGAIN) {
				is_refused = true;
			} else {
				assert_int_equal(r, 0);
				from++;
			}
		}
		step(f);
	}
}

static void nanomsg_carries_answers_in_order_between_processes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0);
	exchange(&f, 1, 200000, "0123456789", 10);
	assert_int_equal(f.here.got, 200000);
	assert_int_equal(f.here.gaps + f.here.drops, 0);
	end(&f);
}

static void nanomsg_carries_messages_of_the_largest_size(void **state)
{
	cleanup_free char *payload = calloc(1, LIMIT_MESSAGE_BYTES);
	struct fixture f;

	(void)state;
	assert_non_null(payload);
	begin(&f, 0);
	exchange(&f, 1, 3, payload, LIMIT_MESSAGE_BYTES);
	assert_int_equal(f.here.bytes, 3 * (size_t)LIMIT_MESSAGE_BYTES);
	end(&f);
}

static void nanomsg_pushes_back_when_the_peer_stands_still(void **state)
{
	struct fixture f;
	uint64_t deadline, sent = 0;
	int r = 0;

	(void)state;
	begin(&f, 0);
	exchange(&f, 1, 10, "x", 1);
	kill(f.child, SIGSTOP);
	while (r == 0) {
		r = send_number(&f.here, ENVELOPE_SEND, 11 + sent, "x", 1);
		if (r == 0)
			sent++;
		step(&f);
		assert_true(sent < 1000000);
	}
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(f.here.rooms, 0);
	kill(f.child, SIGCONT);
	deadline = deadline_after(&f, PATIENCE_NS);
	while (f.here.last < 10 + sent && loop_clock_ns(f.here.loop) < deadline)
		step(&f);
	assert_int_equal(f.here.last, 10 + sent);
	assert_true(f.here.rooms > 0);
	end(&f);
}

static void nanomsg_delivers_all_that_was_sent_before_an_orderly_end(void **state)
{
	struct fixture f;
	uint64_t deadline;
	siginfo_t info = {0};

	(void)state;
	begin(&f, 5000);
	/* So many that the child's answers cannot all be under way in the kernel; they are
	 * read only once the child has begun to leave. */
	for (uint64_t i = 1; i <= 5000; i++)
		assert_int_equal(send_number(&f.here, ENVELOPE_SEND, i, "0123456789012345", 16),
				 0);
	step(&f);
	step(&f);
	usleep(100000);
	deadline = deadline_after(&f, PATIENCE_NS);
	while (f.here.last < 5000 && loop_clock_ns(f.here.loop) < deadline)
		step(&f);
	assert_int_equal(f.here.last, 5000);
	while (info.si_pid == 0 && loop_clock_ns(f.here.loop) < deadline) {
		step(&f);
		waitid(P_PID, (id_t)f.child, &info, WEXITED | WNOHANG | WNOWAIT);
	}
	assert_int_equal(info.si_code, CLD_EXITED);
	assert_int_equal(info.si_status, 0);
	end(&f);
}

static void nanomsg_link_is_down_after_the_peer_was_killed(void **state)
{
	struct fixture f;
	uint64_t deadline;

	(void)state;
	begin(&f, 0);
	exchange(&f, 1, 1000, "x", 1);
	kill(f.child, SIGKILL);
	waitid(P_PID, (id_t)f.child, NULL, WEXITED | WNOWAIT);
	bridge_peer_down(f.here.bridge, process_of(address_2), true);
	assert_int_equal(send_number(&f.here, ENVELOPE_SEND, 1001, "x", 1), -EHOSTUNREACH);
	deadline = deadline_after(&f, PATIENCE_NS);
	while (f.here.downs == 0 && loop_clock_ns(f.here.loop) < deadline)
		step(&f);
	assert_int_equal(f.here.downs, 1);
	end(&f);
}

static void nanomsg_refuses_a_path_that_is_too_long(void **state)
{
	struct party process = {0};
	char directory[200];

	(void)state;
	memset(directory, 'x', sizeof(directory));
	directory[0] = '/';
	directory[sizeof(directory) - 1] = '\0';
	assert_int_equal(open_process(&process, directory, address_1, address_2),
			 -ENAMETOOLONG);
	directory[115] = '\0';
	loop_free(process.loop);
	assert_int_equal(open_process(&process, directory, address_1, address_2),
			 -ENAMETOOLONG);
	loop_free(process.loop);
}

/* Run one test in a process of its own. */
static int run_alone(const struct CMUnitTest *test)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		exit(_cmocka_run_group_tests(test->name, test, 1, NULL, NULL));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nanomsg_carries_answers_in_order_between_processes),
		cmocka_unit_test(nanomsg_carries_messages_of_the_largest_size),
		cmocka_unit_test(nanomsg_pushes_back_when_the_peer_stands_still),
		cmocka_unit_test(nanomsg_delivers_all_that_was_sent_before_an_orderly_end),
		cmocka_unit_test(nanomsg_link_is_down_after_the_peer_was_killed),
		cmocka_unit_test(nanomsg_refuses_a_path_that_is_too_long),
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		failed += run_alone(&tests[i]);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
