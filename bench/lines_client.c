/* lines_client.c - who talks to a server that echoes lines: CONNECTIONS of them, each with one
 * line on the way, until LINES have come back. lines_client PORT CONNECTIONS LINES; prints the
 * seconds from when all were connected. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256

static const char line[] = "a line of some length, as people and programs write them\n";

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void say(int fd)
{
	if (write(fd, line, sizeof(line) - 1) != sizeof(line) - 1)
		exit(2);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event events[EVENTS];
	int loop = epoll_create1(EPOLL_CLOEXEC), *fds, connections;
	long left, open;
	double begin;

	if (argc != 4)
		return 1;
	address.sin_port = htons((uint16_t)atoi(argv[1]));
	connections = atoi(argv[2]);
	left = atol(argv[3]);
	fds = calloc((size_t)connections, sizeof(*fds));
	setrlimit(RLIMIT_NOFILE,
		  &(struct rlimit){(rlim_t)connections + 64, (rlim_t)connections + 64});
	for (int i = 0; i < connections; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 ||
		    connect(fds[i], (struct sockaddr *)&address, sizeof(address)) < 0) {
			perror("connect");
			return 2;
		}
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		epoll_ctl(loop, EPOLL_CTL_ADD, fds[i],
			  &(struct epoll_event){.events = EPOLLIN, .data.fd = fds[i]});
		/* once round for each, so that all are there when it begins */
		say(fds[i]);
		char text[128];
		if (read(fds[i], text, sizeof(text)) != sizeof(line) - 1)
			return 3;
	}
	begin = now();
	open = left < connections ? left : connections;
	left -= open;
	for (long i = 0; i < open; i++)
		say(fds[i]);
	while (open > 0) {
		int n = epoll_wait(loop, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			char text[128];

			if (read(events[i].data.fd, text, sizeof(text)) != sizeof(line) - 1 ||
			    memcmp(text, line, sizeof(line) - 1) != 0)
				return 3;
			if (left > 0) {
				left--;
				say(events[i].data.fd);
			} else {
				open--;
			}
		}
	}
	printf("%.6f\n", now() - begin);
	return 0;
}
