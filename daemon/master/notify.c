#include "master/notify.h"

#include "base/clock.h"
#include "base/list.h"
#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* What cannot be told is not worth ending for: the manager draws its own conclusions. */
static void tell(const char *text)
{
	(void)sd_notify(0, text);
}

static void on_timer(struct loop_timer *timer)
{
	struct notify *notify = container_of(timer, struct notify, timer);

	tell("WATCHDOG=1");
	loop_timer_start(&notify->timer, notify->watchdog_ns / 2);
}

void notify_init(struct notify *notify, struct loop *loop)
{
	uint64_t usec = 0;

	*notify = (struct notify){0};
	loop_timer_init(&notify->timer, loop, on_timer);
	if (sd_watchdog_enabled(0, &usec) > 0 && usec > 0 && usec < UINT64_MAX / 1000) {
		notify->watchdog_ns = usec * 1000;
		loop_timer_start(&notify->timer, notify->watchdog_ns / 2);
	}
}

void notify_fini(struct notify *notify)
{
	if (notify->timer.loop)
		loop_timer_stop(&notify->timer);
}

void notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_reloading(void)
{
	/* The time is what Type=notify-reload wants; Type=notify does not mind it. */
	(void)sd_notifyf(
		0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading the configuration",
		clock_now_ns() / 1000);
}

void notify_stopping(void)
{
	tell("STOPPING=1\nSTATUS=Stopping");
}

int notify_take_sockets(int *ret_fds, unsigned *ret_n)
{
	int n = sd_listen_fds(0);

	if (n < 0)
		return n;
	if (n > NOTIFY_SOCKETS_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++)
		if (sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_STREAM, 1) <= 0)
			return -EINVAL;
	for (int i = 0; i < n; i++)
		ret_fds[i] =
			SD_LISTEN_FDS_START + i; /* sd_listen_fds() has set close-on-exec */
	*ret_n = (unsigned)n;
	return 0;
}
