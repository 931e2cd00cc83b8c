/* client.c - call one method over the control socket as fast as it answers: what a good client
 * in C can ask for.
 *
 *   bench-client SOCKET METHOD CONNECTIONS WINDOW CALLS [IDLE]
 *
 * Each connection keeps WINDOW calls unanswered until CALLS have been made in all; IDLE further
 * ones are open meanwhile and say nothing. Each reply must be the number after the one that was
 * sent. Prints RESULT,seconds,calls, and the median and the 99th percentile of what a call
 * took, in microseconds.
 *
 * A daemon takes 1,024 connections of one user. Further ones are made as other users, which
 * only root can; the group stays, and may be given leave to call with CallGroup=.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4000
#define A_USER          1000  /* connections of one */
#define FIRST_USER      60000 /* those after root: numbers that nobody needs to have */
#define WINDOW_MAX      1024
#define CALL_MAX        256 /* bytes of one, and of one reply */

struct connection {
	int fd;
	long first;  /* number of the oldest unanswered call */
	long unsent; /* calls that may be made; numbers go on from first + unanswered */
	long unanswered;
	uint64_t *sent_ns; /* when each of the window's calls was made */
	size_t filled;     /* bytes of in */
	char in[16384];
};

static const char *method;
static uint32_t *took_ns; /* of each call that was answered */
static long n_took;

static void die(const char *what)
{
	fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	return fd;
}

/* The kernel tells the daemon who one was when one connected. */
static int connect_as(const char *path, long number)
{
	uid_t user = FIRST_USER + (uid_t)(number / A_USER);
	int fd;

	if (number < A_USER)
		return connect_to(path);
	if (seteuid(user) < 0)
		die("further users");
	fd = connect_to(path);
	if (seteuid(0) < 0)
		die("seteuid");
	return fd;
}

static void allow_descriptors(long count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	if (limit.rlim_cur >= (rlim_t)count + 16)
		return;
	limit.rlim_cur = (rlim_t)count + 16;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("descriptors");
}

/* Make as many calls as the window allows, in one write: a window is less than a socket's
 * buffer. */
static void make_calls(struct connection *connection, long window)
{
	static char out[WINDOW_MAX * CALL_MAX];
	size_t size = 0, sent = 0;
	uint64_t now = now_ns();

	while (connection->unsent > 0 && connection->unanswered < window) {
		size += (size_t)snprintf(out + size, CALL_MAX,
					 "{\"method\":\"%s\",\"parameters\":{\"number\":%ld}}",
					 method, connection->first + connection->unanswered) +
			1;
		connection->sent_ns[(connection->first + connection->unanswered) % window] =
			now;
		connection->unanswered++;
		connection->unsent--;
	}
	while (sent < size) {
		ssize_t n = send(connection->fd, out + sent, size - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			die("send");
		sent += n > 0 ? (size_t)n : 0;
	}
}

/* A reply holds "number":N and no error. */
static void check_reply(const struct connection *connection, const char *reply)
{
	const char *number = strstr(reply, "\"number\":");

	if (strstr(reply, "\"error\"") || !number ||
	    strtol(number + strlen("\"number\":"), NULL, 10) != connection->first + 1) {
		fprintf(stderr, "bench-client: asked for the number after %ld, got %s\n",
			connection->first, reply);
		exit(1);
	}
}

static void note_time(uint64_t ns)
{
	took_ns[n_took++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* Read what is there, check whole replies. Returns how many there were. */
static long take_replies(struct connection *connection, long window)
{
	size_t at = 0;
	long taken = 0;
	uint64_t now;
	char *end;
	ssize_t n = recv(connection->fd, connection->in + connection->filled,
			 sizeof(connection->in) - connection->filled, 0);

	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		die("recv");
	connection->filled += (size_t)n;
	now = now_ns();
	while ((end = memchr(connection->in + at, '\0', connection->filled - at))) {
		check_reply(connection, connection->in + at);
		at = (size_t)(end + 1 - connection->in);
		note_time(now - connection->sent_ns[connection->first % window]);
		connection->first++;
		connection->unanswered--;
		taken++;
	}
	memmove(connection->in, connection->in + at, connection->filled - at);
	connection->filled -= at;
	if (connection->filled == sizeof(connection->in)) {
		fprintf(stderr, "bench-client: a reply without end\n");
		exit(1);
	}
	return taken;
}

static int compare_times(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	long connections, window, calls, idle, done = 0;
	struct connection *all;
	uint64_t began, ended;
	int epoll;

	if (argc != 6 && argc != 7) {
		fprintf(stderr,
			"usage: bench-client SOCKET METHOD CONNECTIONS WINDOW CALLS [IDLE]\n");
		return 2;
	}
	method = argv[2];
	connections = atol(argv[3]);
	window = atol(argv[4]);
	calls = atol(argv[5]);
	idle = argc == 7 ? atol(argv[6]) : 0;
	if (connections < 1 || idle < 0 || idle > CONNECTIONS_MAX ||
	    connections > CONNECTIONS_MAX - idle || window < 1 || window > WINDOW_MAX ||
	    calls < connections || calls > INT32_MAX || strlen(method) > CALL_MAX - 80) {
		fprintf(stderr, "bench-client: a number is out of range\n");
		return 2;
	}
	allow_descriptors(idle + connections);
	all = calloc((size_t)connections, sizeof(*all));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	took_ns = calloc((size_t)calls, sizeof(*took_ns));
	if (!all || !took_ns || epoll < 0)
		die("start");
	/* The first ones: who looks for those that speak comes by these. */
	for (long i = 0; i < idle; i++)
		(void)connect_as(argv[1], i);
	for (long i = 0; i < connections; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};

		all[i].fd = connect_as(argv[1], idle + i);
		all[i].unsent = calls / connections + (i < calls % connections);
		all[i].first = i * 1000000;
		all[i].sent_ns = calloc((size_t)window, sizeof(*all[i].sent_ns));
		if (!all[i].sent_ns || epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) < 0)
			die("epoll_ctl");
	}
	began = now_ns();
	for (long i = 0; i < connections; i++)
		make_calls(&all[i], window);
	while (done < calls) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++) {
			done += take_replies(events[i].data.ptr, window);
			make_calls(events[i].data.ptr, window);
		}
	}
	ended = now_ns();
	qsort(took_ns, (size_t)done, sizeof(*took_ns), compare_times);
	printf("RESULT,%.9f,%ld,%.1f,%.1f\n", (double)(ended - began) / 1e9, done,
	       took_ns[(done - 1) / 2] / 1e3, took_ns[(done - 1) * 99 / 100] / 1e3);
	return 0;
}
