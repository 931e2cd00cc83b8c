/* varlink.c - calls out, replies in. */
#include "ctl/varlink.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define READ_SIZE      (64u << 10)
#define READS_A_PASS   16
#define RETRY_MS       10
#define ERROR_NAME_MAX 512
#define LATE_NS        CLOCK_SECOND_NS /* for replies to calls that have timed out */

struct varlink {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer timer; /* for the deadline of the first call */
	struct buffer in, out;
	size_t scanned; /* bytes of `in` known to hold no NUL */
	struct list calls;
	/* Calls before those, which have timed out and whose replies are still due. */
	unsigned n_late;
	uint64_t give_up_ns; /* if they do not come until then */
	bool broken;
};

bool varlink_is_broken(const struct varlink *client)
{
	return client->broken;
}

size_t varlink_unwritten(const struct varlink *client)
{
	return buffer_size(&client->out);
}

/* The connection has failed: report that to every open call. */
static void break_off(struct varlink *client, int failure)
{
	struct varlink_reply reply = {.failure = failure};
	struct list calls;

	if (client->broken)
		return;
	client->broken = true;
	loop_io_stop(&client->io);
	loop_timer_stop(&client->timer);
	/* A callback cannot add to them any more; still, walk over a list that nobody else
	 * has. */
	list_init(&calls);
	while (!list_is_empty(&client->calls)) {
		struct list *link = client->calls.next;

		list_remove(link);
		list_append(&calls, link);
	}
	while (!list_is_empty(&calls)) {
		struct varlink_call *call = list_first(&calls, struct varlink_call, link);

		list_remove(&call->link);
		call->on_reply(call, &reply);
	}
}

/* The timer is set for a deadline that was the first once, and looks again when it fires:
 * replies come too often to set it anew each time. */
static void watch_deadline(struct varlink *client)
{
	uint64_t first = client->n_late ? client->give_up_ns : UINT64_MAX, now;

	if (client->broken || client->timer.started)
		return;
	if (!list_is_empty(&client->calls)) {
		uint64_t deadline =
			list_first(&client->calls, struct varlink_call, link)->deadline_ns;

		if (deadline < first)
			first = deadline;
	}
	if (first == UINT64_MAX)
		return;
	now = loop_clock_ns(client->loop);
	loop_timer_start(&client->timer, first > now ? first - now : 0);
}

/* End the calls whose deadline has passed. */
static void time_out(struct varlink *client, uint64_t now)
{
	struct varlink_reply reply = {.failure = -ETIMEDOUT};

	while (!client->broken && !list_is_empty(&client->calls)) {
		struct varlink_call *call =
			list_first(&client->calls, struct varlink_call, link);

		if (call->deadline_ns > now)
			return;
		list_remove(&call->link);
		if (client->n_late++ == 0)
			client->give_up_ns = now + LATE_NS;
		call->on_reply(call, &reply);
	}
}

static void on_timer(struct loop_timer *timer)
{
	struct varlink *client = container_of(timer, struct varlink, timer);
	uint64_t now = loop_clock_ns(client->loop);

	if (client->n_late && client->give_up_ns <= now)
		break_off(client, -ETIMEDOUT);
	else
		time_out(client, now);
	watch_deadline(client);
}

/* A reply to a call that has timed out. */
static void drop_late(struct varlink *client, bool continues)
{
	client->n_late -= !continues;
	client->give_up_ns = loop_clock_ns(client->loop) + LATE_NS;
}

/* Whether an error's name is one, so that nobody has to quote it. */
static bool is_error_name(const char *name)
{
	return name[0] &&
	       name[strspn(
		       name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] ==
		       '\0';
}

/* One frame; what is no reply breaks the connection. */
static void take_frame(struct varlink *client, const char *text, size_t size)
{
	static const char *const keys[] = {"error", "parameters", "continues"};
	struct json_span members[3];
	struct varlink_reply reply = {0};
	char error[ERROR_NAME_MAX];
	struct varlink_call *call;

	if ((list_is_empty(&client->calls) && !client->n_late) ||
	    json_pick(text, size, keys, ARRAY_LEN(keys), members, NULL) < 0) {
		break_off(client, -EBADMSG);
		return;
	}
	if (members[0].at && members[0].at[0] == '"') {
		if (json_unquote(members[0], error, sizeof(error)) < 0 ||
		    !is_error_name(error)) {
			break_off(client, -EBADMSG);
			return;
		}
		reply.error = error;
	}
	reply.parameters = members[1];
	if (!reply.parameters.at || reply.parameters.at[0] != '{')
		reply.parameters = (struct json_span){"{}", 2};
	reply.continues = json_span_is(members[2], "true");
	if (client->n_late) {
		drop_late(client, reply.continues);
		return;
	}
	call = list_first(&client->calls, struct varlink_call, link);
	if (!reply.continues)
		list_remove(&call->link);
	call->deadline_ns = UINT64_MAX;
	call->on_reply(call, &reply);
}

static void take_frames(struct varlink *client)
{
	while (!client->broken && client->scanned < buffer_size(&client->in)) {
		const unsigned char *data = buffer_data(&client->in);
		size_t size = buffer_size(&client->in);
		const unsigned char *nul =
			memchr(data + client->scanned, 0, size - client->scanned);

		if (!nul) {
			client->scanned = size;
			break;
		}
		client->scanned = 0;
		take_frame(client, (const char *)data, (size_t)(nul - data));
		if (!client->broken)
			buffer_eat(&client->in, (size_t)(nul - data) + 1);
	}
}

static void read_replies(struct varlink *client)
{
	for (int i = 0; i < READS_A_PASS && !client->broken; i++) {
		void *place = buffer_reserve(&client->in, READ_SIZE);
		ssize_t n;

		if (!place) {
			break_off(client, -errno);
			return;
		}
		n = recv(client->io.fd, place, READ_SIZE, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			break_off(client, -ECONNRESET);
			return;
		}
		buffer_added(&client->in, (size_t)n);
		take_frames(client);
		if ((size_t)n < READ_SIZE)
			return;
	}
}

void varlink_flush(struct varlink *client)
{
	while (!client->broken && buffer_size(&client->out) > 0) {
		ssize_t n = send(client->io.fd, buffer_data(&client->out),
				 buffer_size(&client->out), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			/* The service may have said why before it closed: read on to its
			 * end. */
			buffer_eat(&client->out, buffer_size(&client->out));
			break;
		}
		buffer_eat(&client->out, (size_t)n);
	}
	if (!client->broken)
		loop_io_set(&client->io,
			    LOOP_READ | (buffer_size(&client->out) > 0 ? LOOP_WRITE : 0));
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct varlink *client = container_of(io, struct varlink, io);

	if (events & LOOP_WRITE)
		varlink_flush(client);
	if (events & LOOP_READ && !client->broken)
		read_replies(client);
	if (!client->broken)
		watch_deadline(client);
}

int varlink_new(struct loop *loop, int fd, struct varlink **ret_client)
{
	struct varlink *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	client->loop = loop;
	list_init(&client->calls);
	buffer_init(&client->in, VARLINK_REPLY_MAX + READ_SIZE);
	buffer_init(&client->out, SIZE_MAX);
	loop_timer_init(&client->timer, loop, on_timer);
	loop_io_init(&client->io, loop, fd, on_io);
	loop_io_set(&client->io, LOOP_READ);
	*ret_client = client;
	return 0;
}

int varlink_connect(struct loop *loop, const char *path, uint64_t timeout_ns,
		    struct varlink **ret_client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t deadline = loop_clock_ns(loop) + timeout_ns;
	cleanup_close int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		/* EAGAIN: too many wait to be accepted, and nothing reports when there is
		 * room. */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (loop_clock_ns(loop) >= deadline)
			return -EAGAIN;
		poll(NULL, 0, RETRY_MS);
	}
	return varlink_new(loop, take_fd(&fd), ret_client);
}

void varlink_free(struct varlink *client)
{
	if (!client)
		return;
	loop_io_stop(&client->io);
	loop_timer_stop(&client->timer);
	close(client->io.fd);
	buffer_fini(&client->in);
	buffer_fini(&client->out);
	free(client);
}

int varlink_call(struct varlink *client, struct varlink_call *call, const char *method,
		 const char *parameters, size_t size, unsigned flags, uint64_t timeout_ns)
{
	static const char head[] = "{\"method\":\"",
			  middle[] = "\",\"parameters\":", more[] = ",\"more\":true",
			  oneway[] = ",\"oneway\":true";
	char *place;

	if (client->broken)
		return -ENOTCONN;
	place = buffer_reserve(&client->out, sizeof(head) + strlen(method) + sizeof(middle) +
						     size + sizeof(more) + sizeof(oneway) + 4);
	if (!place)
		return -ENOMEM;
	/* Room was made: none of these fails. */
	buffer_append(&client->out, head, sizeof(head) - 1);
	buffer_append(&client->out, method, strlen(method));
	buffer_append(&client->out, middle, sizeof(middle) - 1);
	if (size > 0)
		buffer_append(&client->out, parameters, size);
	else
		buffer_append(&client->out, "{}", 2);
	if (flags & VARLINK_MORE)
		buffer_append(&client->out, more, sizeof(more) - 1);
	if (flags & VARLINK_ONEWAY)
		buffer_append(&client->out, oneway, sizeof(oneway) - 1);
	buffer_append(&client->out, "}", 2);
	if (!call)
		return 0;
	call->deadline_ns =
		timeout_ns == 0 ? UINT64_MAX : loop_clock_ns(client->loop) + timeout_ns;
	list_append(&client->calls, &call->link);
	watch_deadline(client);
	return 0;
}
