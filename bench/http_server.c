/* http_server.c - the smallest HTTP/1.1 server: one epoll loop, one fixed page. The far end of
 * the rows of http-client.
 *
 *   http_server BYTES    prints the port of 127.0.0.1 that it listens on; ends with its input
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE_MAX (1u << 20)

static char page[PAGE_MAX + 256], request[65536];
static size_t page_size;

static void take(int epoll, int listener)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

/* Requests come whole on loopback, and one at a time from these clients; a page of 20 KiB fits
 * into the socket's buffer. */
static void answer(int fd)
{
	ssize_t n = read(fd, request, sizeof(request));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || write(fd, page, page_size) != (ssize_t)page_size)
		close(fd);
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
	    epoll = epoll_create1(0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event events[256] = {{.events = EPOLLIN, .data.fd = listener}};
	struct epoll_event input = {.events = EPOLLIN, .data.fd = 0};
	socklen_t length = sizeof(address);
	int buffer = 1 << 20;

	signal(SIGPIPE, SIG_IGN);
	if (bytes > PAGE_MAX)
		return 2;
	page_size = (size_t)sprintf(page,
				    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: "
				    "text/plain\r\nContent-Length: %zu\r\n\r\n",
				    bytes);
	memset(page + page_size, 'x', bytes);
	page_size += bytes;
	setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input) < 0) {
		perror("http_server");
		return 1;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == 0)
				return 0;
			if (events[i].data.fd == listener)
				take(epoll, listener);
			else
				answer(events[i].data.fd);
		}
	}
}
