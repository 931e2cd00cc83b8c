/* limit_nanomsg.c - what two processes can say to each other over bare nanomsg, as the bridge
 * uses it: a PULL socket each, PUSH to the other, ipc, the options of daemon/bridge/nanomsg.c,
 * frames handed over without a copy.
 *
 *   bench-limit-nanomsg pingpong ROUNDS BYTES (epoll|block)
 *   bench-limit-nanomsg oneway MESSAGES BYTES FRAME
 *
 * pingpong: a frame of BYTES to and fro. epoll: the receiver waits on NN_RCVFD, as a loop must;
 * block: in nn_recv(). oneway: messages of BYTES, each written and read by itself, in frames of
 * at most FRAME bytes; one frame comes back at the end. Prints
 * RESULT,name,seconds[,p50,p99,p99.9 in microseconds].
 */
#define _GNU_SOURCE
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BUFFER (1 << 20)
#define RECONNECT_MS  10
#define FRAME_MAX     (17 << 20)

struct end {
	int in, out;
	int in_fd, out_fd;
	int epoll; /* on in_fd; -1: block in nn_recv() */
};

static void die(const char *what)
{
	fprintf(stderr, "bench-limit-nanomsg: %s: %s\n", what, nn_strerror(nn_errno()));
	exit(1);
}

static void set(int socket, int option, int value)
{
	if (nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof(value)) < 0)
		die("nn_setsockopt");
}

static int get_fd(int socket, int option)
{
	int fd;
	size_t size = sizeof(fd);

	if (nn_getsockopt(socket, NN_SOL_SOCKET, option, &fd, &size) < 0)
		die("nn_getsockopt");
	return fd;
}

static void open_end(struct end *end, const char *own, const char *peer, bool blocks)
{
	struct epoll_event event = {.events = EPOLLIN};

	end->in = nn_socket(AF_SP, NN_PULL);
	end->out = nn_socket(AF_SP, NN_PUSH);
	if (end->in < 0 || end->out < 0)
		die("nn_socket");
	set(end->in, NN_RCVMAXSIZE, FRAME_MAX);
	set(end->in, NN_RCVBUF, SOCKET_BUFFER);
	set(end->out, NN_SNDBUF, SOCKET_BUFFER);
	set(end->out, NN_RECONNECT_IVL, RECONNECT_MS);
	if (nn_bind(end->in, own) < 0 || nn_connect(end->out, peer) < 0)
		die(own);
	end->in_fd = get_fd(end->in, NN_RCVFD);
	end->out_fd = get_fd(end->out, NN_SNDFD);
	end->epoll = -1;
	if (blocks)
		return;
	end->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (end->epoll < 0 || epoll_ctl(end->epoll, EPOLL_CTL_ADD, end->in_fd, &event) < 0)
		die("epoll");
}

static void *receive(struct end *end, size_t *ret_size)
{
	struct epoll_event event;
	void *frame;
	int n;

	if (end->epoll < 0) {
		n = nn_recv(end->in, &frame, NN_MSG, 0);
	} else {
		/* While they come faster than they are read there is nothing to wait for. */
		while ((n = nn_recv(end->in, &frame, NN_MSG, NN_DONTWAIT)) < 0 &&
		       nn_errno() == EAGAIN)
			(void)epoll_wait(end->epoll, &event, 1, -1);
	}
	if (n < 0)
		die("nn_recv");
	*ret_size = (size_t)n;
	return frame;
}

static void transmit(struct end *end, void *frame)
{
	struct pollfd room = {.fd = end->out_fd, .events = POLLIN};

	while (nn_send(end->out, &frame, NN_MSG, NN_DONTWAIT) < 0) {
		if (nn_errno() != EAGAIN)
			die("nn_send");
		(void)poll(&room, 1, -1);
	}
}

static void *new_frame(size_t size)
{
	void *frame = nn_allocmsg(size, 0);

	if (!frame)
		die("nn_allocmsg");
	return frame;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wrong(const char *what)
{
	fprintf(stderr, "bench-limit-nanomsg: %s\n", what);
	exit(1);
}

/* ---- pingpong */

static void return_frames(struct end *end)
{
	size_t size;

	for (;;)
		transmit(end, receive(end, &size));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double part_us(const uint64_t *sorted, size_t count, double part)
{
	return (double)sorted[(size_t)(part * (double)(count - 1))] / 1e3;
}

static void pingpong(struct end *end, size_t rounds, size_t bytes)
{
	uint64_t *laps = calloc(rounds, sizeof(*laps)), began = 0, lap;

	if (!laps)
		die("calloc");
	/* The first one waits for the connections. */
	for (size_t i = 0; i <= rounds; i++) {
		uint64_t *frame = new_frame(bytes);
		size_t size;

		lap = now_ns();
		if (i == 1)
			began = lap;
		memset(frame, 0, bytes);
		frame[0] = i;
		transmit(end, frame);
		frame = receive(end, &size);
		if (size != bytes || frame[0] != i)
			wrong("another frame came back");
		nn_freemsg(frame);
		if (i > 0)
			laps[i - 1] = now_ns() - lap;
	}
	began = now_ns() - began;
	qsort(laps, rounds, sizeof(*laps), compare);
	printf("RESULT,pingpong,%.9f,%.3f,%.3f,%.3f\n", (double)began / 1e9,
	       part_us(laps, rounds, 0.5), part_us(laps, rounds, 0.99),
	       part_us(laps, rounds, 0.999));
	free(laps);
}

/* ---- oneway */

/* What a message holds at its start: its number. */
static void write_message(char *at, size_t bytes, uint64_t number, const char *pattern)
{
	memcpy(at, pattern, bytes);
	memcpy(at, &number, sizeof(number));
}

static void take_messages(struct end *end, uint64_t messages, size_t bytes)
{
	char *copy = malloc(bytes);
	uint64_t number, taken = 0, *answer, sum = 0;
	size_t size;

	if (!copy)
		die("malloc");
	while (taken < messages) {
		char *frame = receive(end, &size);

		for (size_t at = 0; at + bytes <= size; at += bytes) {
			memcpy(copy, frame + at, bytes);
			memcpy(&number, copy, sizeof(number));
			sum += number == taken++ ? 1 : 0;
		}
		nn_freemsg(frame);
	}
	answer = new_frame(sizeof(*answer));
	*answer = sum;
	transmit(end, answer);
	free(copy);
	/* What is under way is lost when it ends: the other end sees to that. */
	for (;;)
		pause();
}

static void oneway(struct end *end, uint64_t messages, size_t bytes, size_t frame_bytes)
{
	size_t each = frame_bytes / bytes, size;
	char *pattern = calloc(1, bytes);
	uint64_t *answer, sent = 0, began;

	if (!pattern)
		die("calloc");
	began = now_ns();
	while (sent < messages) {
		size_t n = messages - sent < each ? (size_t)(messages - sent) : each;
		char *frame = new_frame(n * bytes);

		for (size_t i = 0; i < n; i++)
			write_message(frame + i * bytes, bytes, sent++, pattern);
		transmit(end, frame);
	}
	answer = receive(end, &size);
	if (size != sizeof(*answer) || *answer != messages)
		wrong("not all came, or not in order");
	printf("RESULT,oneway,%.9f\n", (double)(now_ns() - began) / 1e9);
	nn_freemsg(answer);
	free(pattern);
}

/* Go on in a child that has a session of its own, as each worker has: where the kernel divides
 * the processors among sessions (sched_autogroup_enabled), both are then waiting for the
 * same. */
static void enter_session(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child > 0) {
		if (waitpid(child, &status, 0) < 0)
			die("waitpid");
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setsid();
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/bench-limit-XXXXXX", own[64], peer[64];
	bool is_pingpong = argc == 5 && strcmp(argv[1], "pingpong") == 0;
	bool blocks = is_pingpong && strcmp(argv[4], "block") == 0;
	size_t count, bytes, frame;
	struct end end;
	pid_t child;

	if (!is_pingpong && !(argc == 5 && strcmp(argv[1], "oneway") == 0)) {
		fprintf(stderr, "usage: bench-limit-nanomsg pingpong ROUNDS BYTES epoll|block\n"
				"       bench-limit-nanomsg oneway MESSAGES BYTES FRAME\n");
		return 2;
	}
	count = strtoull(argv[2], NULL, 10);
	bytes = strtoull(argv[3], NULL, 10);
	frame = is_pingpong ? bytes : strtoull(argv[4], NULL, 10);
	if (count < 1 || bytes < 8 || frame < bytes || frame > FRAME_MAX)
		wrong("a number is out of range");
	enter_session();
	if (!mkdtemp(directory))
		die(directory);
	snprintf(own, sizeof(own), "ipc://%s/0", directory);
	snprintf(peer, sizeof(peer), "ipc://%s/1", directory);
	/* Before the first socket: a child cannot use its parent's nanomsg. */
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setsid();
		open_end(&end, peer, own, blocks);
		if (is_pingpong)
			return_frames(&end);
		take_messages(&end, count, bytes);
	}
	open_end(&end, own, peer, blocks);
	if (is_pingpong)
		pingpong(&end, count, bytes);
	else
		oneway(&end, count, bytes, frame);
	kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	(void)unlink(own + strlen("ipc://"));
	(void)unlink(peer + strlen("ipc://"));
	(void)rmdir(directory);
	return 0;
}
