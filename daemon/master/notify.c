#include "master/notify.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define AGAIN_NS (100 * CLOCK_MS_NS)

/* -EAGAIN: it has no room for it now. What cannot be sent for another reason is not worth
 * ending for: the manager draws its own conclusions. */
static int send_text(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size = path ? strlen(path) : 0;
	cleanup_close int fd = -1;

	if (size < 2 || size >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(address.sun_path, path, size);
	if (path[0] == '@') /* in the abstract namespace */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -EAGAIN : 0;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : 0;
	return 0;
}

static void drop_oldest(struct notify *notify)
{
	notify->n_kept--;
	memmove(notify->kept[0], notify->kept[1], notify->n_kept * sizeof(notify->kept[0]));
}

static void send_kept(struct notify *notify)
{
	while (notify->n_kept > 0 && send_text(notify->kept[0]) == 0)
		drop_oldest(notify);
	if (notify->n_kept > 0)
		loop_timer_start(&notify->again, AGAIN_NS);
}

static void on_again(struct loop_timer *timer)
{
	send_kept(container_of(timer, struct notify, again));
}

static __attribute__((format(printf, 2, 3))) void send_format(struct notify *notify,
							      const char *format, ...)
{
	va_list arguments;

	if (notify->n_kept == NOTIFY_KEPT_MAX)
		drop_oldest(notify);
	va_start(arguments, format);
	(void)vsnprintf(notify->kept[notify->n_kept++], NOTIFY_TEXT, format, arguments);
	va_end(arguments);
	send_kept(notify);
}

static void on_timer(struct loop_timer *timer)
{
	struct notify *notify = container_of(timer, struct notify, timer);

	/* Never kept: the next one does the same, and so does a text that waits, once sent. */
	if (notify->n_kept == 0)
		(void)send_text("WATCHDOG=1");
	loop_timer_start(&notify->timer, notify->watchdog_ns / 2);
}

void notify_init(struct notify *notify, struct loop *loop)
{
	uint64_t usec = 0;

	*notify = (struct notify){0};
	loop_timer_init(&notify->timer, loop, on_timer);
	loop_timer_init(&notify->again, loop, on_again);
	if (sd_watchdog_enabled(0, &usec) > 0 && usec > 0 && usec < UINT64_MAX / 1000) {
		notify->watchdog_ns = usec * 1000;
		loop_timer_start(&notify->timer, notify->watchdog_ns / 2);
	}
}

void notify_fini(struct notify *notify)
{
	if (!notify->timer.loop)
		return;
	send_kept(notify);
	loop_timer_stop(&notify->timer);
	loop_timer_stop(&notify->again);
}

void notify_ready(struct notify *notify, const char *status)
{
	send_format(notify, "READY=1\nSTATUS=%s", status);
}

void notify_status(struct notify *notify, const char *status)
{
	send_format(notify, "STATUS=%s", status);
}

void notify_reloading(struct notify *notify)
{
	/* The time is what Type=notify-reload wants; Type=notify does not mind it. */
	send_format(notify,
		    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading the configuration",
		    clock_now_ns() / 1000);
}

void notify_stopping(struct notify *notify)
{
	send_format(notify, "STOPPING=1\nSTATUS=Stopping");
}

int notify_take_sockets(struct notify_socket ret_sockets[], unsigned *ret_n)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int n = sd_listen_fds(0); /* it sets close-on-exec */

	if (n < 0)
		return n;
	if (n > (int)LIMIT_SOCKETS)
		return -E2BIG;
	for (int i = 0; i < n; i++) {
		const size_t size = names ? strcspn(names, ":") : 0;
		struct notify_socket *socket = &ret_sockets[i];

		socket->fd = SD_LISTEN_FDS_START + i;
		snprintf(socket->name, sizeof(socket->name), "%.*s", (int)size,
			 names ? names : "");
		if (size == 0)
			strcpy(socket->name, "unknown");
		if (names)
			names += size + (names[size] == ':');
	}
	*ret_n = (unsigned)n;
	return 0;
}
