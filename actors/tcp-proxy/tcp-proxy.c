/* tcp-proxy.c - passes connections on to another place, both ways.
 *
 * Each has two tasks, one for each direction: what one reads it writes to the other side before
 * it reads on. So a slow reader slows its sender down, in the memory of one buffer; an end goes
 * on as a half-close, and what fails in one direction ends both.
 */
#include "tcp-proxy.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/stream.h>

#define PIECE           16384
#define CONNECTIONS_MAX 50000
#define CONNECTIONS     400
#define CONNECT_MS      10000
#define MS_MAX          (24 * 3600 * 1000ll)

struct proxy {
	char *target;
	struct troupe_listener listener;
	size_t connections;
	uint64_t connect_ns, idle_ns;
	struct tcpproxy_status_out status;
	char place[TROUPE_PLACE_MAX];
};

/* On the stack of the task that attends to the client. */
struct pair {
	struct troupe_stream client, target;
	uint64_t moved_ns; /* when a byte went either way */
};

/* One direction, to its end. */
static int pump(struct troupe_self *self, const struct proxy *me, struct pair *pair,
		struct troupe_stream from, struct troupe_stream to, int64_t *count)
{
	char bytes[PIECE];
	ssize_t n;
	int rc;

	for (;;) {
		n = troupe_read(self, from, bytes, sizeof(bytes));
		if (n == -ETIME && troupe_now_ns(self) - pair->moved_ns < me->idle_ns)
			continue; /* the other direction is not idle */
		if (n <= 0)
			break;
		rc = troupe_write(self, to, bytes, (size_t)n);
		if (rc < 0)
			return rc;
		*count += n;
		pair->moved_ns = troupe_now_ns(self);
	}
	if (n < 0)
		return (int)n;
	rc = troupe_finish(self, to);
	/* it may have gone altogether; then there is nothing to end */
	return rc == -ENOTCONN ? 0 : rc;
}

static int bring_back(struct troupe_self *self, struct proxy *me, struct pair *pair,
		      void *unused)
{
	(void)unused;
	return pump(self, me, pair, pair->target, pair->client, &me->status.received);
}
TROUPE_TASK(bring_back, struct proxy, struct pair, void)

static int pass_on(struct troupe_self *self, struct proxy *me, struct pair *pair)
{
	int rc, ended;

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	rc = troupe_start(self, scope, &bring_back_task, pair, NULL, NULL);
	if (rc == 0)
		rc = pump(self, me, pair, pair->client, pair->target, &me->status.sent);
	if (rc < 0)
		troupe_scope_cancel(self, scope);
	ended = troupe_scope_end(self, scope);
	return rc < 0 && rc != -ECANCELED ? rc : ended;
}

static int connect_to_target(struct troupe_self *self, struct proxy *me,
			     struct troupe_stream *ret_stream)
{
	TROUPE_SCOPE(scope, self, me->connect_ns);
	return troupe_connect(self, me->target, ret_stream);
}

static int attend(struct troupe_self *self, struct proxy *me, struct troupe_stream *client,
		  void *unused)
{
	struct pair pair = {.client = *client, .moved_ns = troupe_now_ns(self)};
	int rc;

	(void)unused;
	me->status.total++;
	me->status.open++;
	rc = connect_to_target(self, me, &pair.target);
	if (rc < 0)
		troupe_log(self, 4, "cannot connect to %s: %s", me->target, strerror(-rc));
	if (rc == 0)
		rc = troupe_limit(self, pair.client, me->idle_ns, 0);
	if (rc == 0)
		rc = troupe_limit(self, pair.target, me->idle_ns, 0);
	if (rc == 0)
		rc = pass_on(self, me, &pair);
	troupe_close(self, pair.target);
	me->status.open--;
	me->status.failed += rc < 0 && rc != -ECANCELED;
	return 0;
}
TROUPE_TASK(attend, struct proxy, struct troupe_stream, void)

static int serve(struct troupe_self *self, struct proxy *me, void *unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	return troupe_serve(self, me->listener, &attend_task, NULL, me->connections);
}
TROUPE_TASK(serve, struct proxy, void, void)

static int on_status(struct troupe_self *self, struct proxy *me,
		     struct tcpproxy_status_call call, const struct tcpproxy_status *in)
{
	(void)in;
	return tcpproxy_status_return(self, call, &me->status);
}

/* A number of the configuration, or its default. False: out of bounds, which is logged. */
static bool take(struct troupe_self *self, const char *name, const int64_t *value,
		 int64_t least, int64_t most, int64_t usual, int64_t *ret_value)
{
	*ret_value = value ? *value : usual;
	if (*ret_value >= least && *ret_value <= most)
		return true;
	troupe_log(self, 3, "%s must be %lld to %lld", name, (long long)least, (long long)most);
	return false;
}

static int init(struct troupe_self *self, struct proxy *me,
		const struct tcpproxy_config *config)
{
	int64_t connections, connect_ms, idle_ms;
	int rc;

	if (!take(self, "connections", config->connections, 1, CONNECTIONS_MAX, CONNECTIONS,
		  &connections) ||
	    !take(self, "connectMs", config->connectMs, 1, MS_MAX, CONNECT_MS, &connect_ms) ||
	    !take(self, "idleMs", config->idleMs, 0, MS_MAX, 0, &idle_ms))
		return -EINVAL;
	me->connections = (size_t)connections;
	me->connect_ns = (uint64_t)connect_ms * TROUPE_MS_NS;
	me->idle_ns = (uint64_t)idle_ms * TROUPE_MS_NS;
	me->target = strdup(config->connect);
	if (!me->target)
		return -ENOMEM;
	rc = troupe_listen(self, config->listen, &me->listener);
	if (rc < 0)
		troupe_log(self, 3, "cannot listen on %s: %s", config->listen, strerror(-rc));
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	me->status.listening = me->place;
	if (rc == 0) /* the way back, and the target */
		rc = troupe_listener_reserve(self, me->listener, 1, 1);
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL);
	if (rc < 0)
		free(me->target);
	return rc;
}

static void fini(struct troupe_self *self, struct proxy *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	free(me->target);
}

TROUPE_LIFE(life, struct proxy, struct tcpproxy_config, .init = init, .fini = fini)
TCPPROXY_HANDLERS(proxying, struct proxy, .status = on_status)
TROUPE_ACTOR(tcpproxy) = {
	TROUPE_ABI(tcpproxy),
	.state_size = sizeof(struct proxy),
	.config = &tcpproxy_config_type,
	.life = &life,
	.interfaces = {&proxying},
};
