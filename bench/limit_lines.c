/* limit_lines.c - what the row "lines" is held against: a loop over epoll that reads what there
 * is, and writes back each line of it. Prints its port; serves until its input ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

static int loop, listener;

static void add(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0)
		exit(2);
}

static void take_all(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		add(fd);
}

static void echo(int fd)
{
	char text[4096], *at = text, *end;
	ssize_t n = read(fd, text, sizeof(text));

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close(fd);
		return;
	}
	while ((end = memchr(at, '\n', (size_t)(text + n - at)))) {
		if (write(fd, at, (size_t)(end + 1 - at)) < 0)
			break;
		at = end + 1;
	}
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct epoll_event events[EVENTS];

	loop = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return 1;
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	add(listener);
	add(STDIN_FILENO);
	for (;;) {
		int n = epoll_wait(loop, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == STDIN_FILENO)
				return 0;
			if (events[i].data.fd == listener)
				take_all();
			else
				echo(events[i].data.fd);
		}
	}
}
