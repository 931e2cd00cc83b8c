/* channel.c - notices in packets; a queue for those the socket does not take yet. */
#include "proto/channel.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/list.h"
#include "base/seqpacket.h"
#include "proto/codec_walk.h"
#include "proto/packet.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* What one pass of the loop handles of one channel: the other watchers wait meanwhile. */
#define BUDGET_NOTICES 256 /* and those of the packet at hand then */
#define BUDGET_BYTES   (4u << 20)
/* and the notice that is at hand then: handlers may take long */
#define BUDGET_NS 5000000u

#define SOCKET_BUFFER (1 << 20)
#define RETRY_NS      10000000ull   /* after the kernel was short of something but room */
#define LINGER_NS     1000000000ull /* for the last words of a peer that reads no more */

#define OUT_MAX (2 * PACKET_MAX + CODEC_BLOCK_MAX)

struct channel {
	struct channel_config config;
	struct loop_io io;
	struct loop_timer timer;
	struct list queue; /* struct packet */
	size_t queued;     /* bytes */
	/* A large notice must not fail because the process is at its limit of descriptors, or
	 * a plug-in that leaks them would cut us off. So this one makes way meanwhile. */
	int spare;
	int error;       /* to be reported by the timer; 0: none */
	bool is_reading; /* on the stack: free later */
	bool is_freed;
	bool is_mute;        /* the peer takes no more: its last notices are still read */
	bool is_closed;      /* and that was reported */
	bool has_received;   /* since the timer was started */
	bool is_changing;    /* what was gathered: not to be read by a signal handler */
	int *fd;             /* of the notice that is handled */
	size_t gathered;     /* bytes of `out` that are to be sent */
	unsigned n_gathered; /* notices */
	unsigned n_handled;  /* in this pass */
	struct buffer out;   /* in `packet`, but for a large notice */
	_Alignas(PACKET_ALIGN) unsigned char in[PACKET_MAX];
	_Alignas(PACKET_ALIGN) unsigned char packet[PACKET_MAX];
};

static void drop_queue(struct channel *channel)
{
	list_foreach_safe (at, &channel->queue)
		packet_free(container_of(at, struct packet, link));
	buffer_fini(&channel->out);
	channel->queued = channel->gathered = channel->n_gathered = 0;
}

static void free_spare(struct channel *channel)
{
	if (channel->spare >= 0)
		close(take_fd(&channel->spare));
}

static void take_spare(struct channel *channel)
{
	if (channel->spare < 0)
		channel->spare = fcntl(channel->io.fd, F_DUPFD_CLOEXEC, 3);
}

static void destroy_channel(struct channel *channel)
{
	drop_queue(channel);
	free_spare(channel);
	free(channel);
}

/* The end: report it once. The channel may be gone afterwards. */
static void close_channel(struct channel *channel, int error)
{
	if (channel->is_closed)
		return;
	channel->is_closed = true;
	channel->is_mute = true;
	loop_io_stop(&channel->io);
	loop_timer_stop(&channel->timer);
	drop_queue(channel);
	channel->config.on_closed(channel->config.context, error);
}

/* ---- sending */

static void watch_socket(struct channel *channel)
{
	if (channel->is_closed || channel->error < 0)
		return;
	loop_io_set(&channel->io, list_is_empty(&channel->queue) || channel->timer.started
					  ? LOOP_READ
					  : LOOP_READ | LOOP_WRITE);
}

/* Sending has failed for good, perhaps inside channel_send(): the loop reports it. */
static void fail_sending(struct channel *channel, int error)
{
	channel->is_mute = true;
	drop_queue(channel);
	channel->has_received = false;
	if (error == -EPIPE || error == -ECONNRESET) {
		/* What it said before it went is still to be read, up to the end of file. The
		 * timer is for a peer that only pretends to be gone. */
		loop_timer_start(&channel->timer, LINGER_NS);
		watch_socket(channel);
	} else {
		channel->error = error;
		loop_io_stop(&channel->io);
		loop_timer_start(&channel->timer, 0);
	}
}

/* 0; -EAGAIN: later, and the loop reports when; other values: for good. */
static int send_parts(struct channel *channel, const struct iovec *parts, size_t n,
		      const int *fds, size_t n_fds)
{
	int r = seqpacket_send(channel->io.fd, parts, n, fds, n_fds);

	if (r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS) {
		loop_timer_start(&channel->timer, RETRY_NS);
		return -EAGAIN;
	}
	return r;
}

static int queue_packet(struct channel *channel, const struct iovec *parts, size_t n,
			const int *fds, size_t n_fds, size_t held)
{
	struct packet *packet;
	int r;

	held += packet_weight(parts, n);
	/* One packet always has room, however small the limit. */
	if (channel->queued > 0 && channel->queued + held > channel->config.queue_limit) {
		fail_sending(channel, -ENOBUFS);
		return -ENOTCONN;
	}
	r = packet_new(parts, n, fds, n_fds, &packet);
	if (r < 0)
		return r;
	packet->held = held;
	list_append(&channel->queue, &packet->link);
	channel->queued += held;
	watch_socket(channel);
	return 0;
}

static int send_packet(struct channel *channel, const struct iovec *parts, size_t n,
		       const int *fds, size_t n_fds, size_t held)
{
	int r = -EAGAIN;

	if (list_is_empty(&channel->queue))
		r = send_parts(channel, parts, n, fds, n_fds);
	if (r == -EAGAIN)
		return queue_packet(channel, parts, n, fds, n_fds, held);
	if (r < 0) {
		fail_sending(channel, r);
		return -ENOTCONN;
	}
	return 0;
}

static void begin_change(struct channel *channel)
{
	channel->is_changing = true;
	atomic_signal_fence(memory_order_seq_cst);
}

static int end_change(struct channel *channel, int r)
{
	atomic_signal_fence(memory_order_seq_cst);
	channel->is_changing = false;
	return r;
}

/* Send what was gathered. -ENOMEM: it is still to be sent. */
static int flush_gathered(struct channel *channel)
{
	struct iovec part = {buffer_data(&channel->out), channel->gathered};
	size_t behind = buffer_size(&channel->out) - channel->gathered;
	int r = 0;

	if (channel->gathered > 0)
		r = send_packet(channel, &part, 1, NULL, 0, 0);
	if (r == 0) {
		buffer_eat(&channel->out,
			   behind > 0 ? PACKET_PADDED(channel->gathered) : channel->gathered);
		channel->gathered = channel->n_gathered = 0;
	} else if (r == -ENOMEM) {
		loop_timer_start(&channel->timer, RETRY_NS);
	}
	return r;
}

static void flush_queue(struct channel *channel)
{
	for (unsigned n = 0; n < BUDGET_NOTICES && !list_is_empty(&channel->queue); n++) {
		struct packet *packet = list_first(&channel->queue, struct packet, link);
		struct iovec part = {packet->data, packet->size};
		int r = send_parts(channel, &part, 1, packet->fds, packet->n_fds);

		if (r == -EAGAIN)
			break;
		if (r < 0) {
			fail_sending(channel, r);
			return;
		}
		channel->queued -= packet->held;
		packet_free(packet);
	}
	(void)channel_flush(channel);
	watch_socket(channel);
	if (channel_is_flushed(channel) && channel->config.on_flushed)
		channel->config.on_flushed(channel->config.context);
}

/* Send the block behind `head` as the memory of a descriptor. */
static int send_large(struct channel *channel, struct packet_head *head, int fd)
{
	struct iovec part = {head, sizeof(*head)};
	cleanup_close int memory = -1;
	int r;

	head->flags = PACKET_LARGE;
	free_spare(channel);
	r = memfd_of("troupe-notice", head + 1, head->size, &memory);
	if (r == 0)
		r = send_packet(channel, &part, 1, (int[]){memory, fd}, fd >= 0 ? 2 : 1,
				head->size);
	if (memory >= 0)
		close(take_fd(&memory));
	/* While it reads it has made way for what comes, and is taken back afterwards. */
	if (!channel->is_reading)
		take_spare(channel);
	return r;
}

/* The notice that is put behind those that were gathered, at the next multiple of
 * PACKET_ALIGN. */
static struct packet_head *head_behind(struct channel *channel)
{
	return (struct packet_head *)(void *)(buffer_data(&channel->out) +
					      PACKET_PADDED(channel->gathered));
}

/* Those that were gathered are sent first when it is to be alone, or has little room. */
static int put_notice(struct channel *channel, const struct troupe_method *method,
		      const void *in, bool alone)
{
	size_t size, gap;
	int r = channel->is_mute ? -ENOTCONN : codec_size(method->in, in, &size, NULL);
	unsigned char *place;

	if (r == 0 && (alone || channel->n_gathered == PACKET_NOTICES ||
		       channel->gathered > PACKET_INLINE / 2))
		r = flush_gathered(channel);
	if (r < 0)
		return r;
	gap = PACKET_PADDED(channel->gathered) - channel->gathered;
	place = buffer_reserve(&channel->out, gap + sizeof(struct packet_head) + size);
	if (!place)
		return -errno;
	memset(place, 0, gap + sizeof(struct packet_head));
	buffer_added(&channel->out, gap + sizeof(struct packet_head) + size);
	head_behind(channel)->in_hash = method->in_hash;
	if (size > 0)
		codec_encode(method->in, in, head_behind(channel) + 1, size);
	return 0;
}

/* What was put is whole. It is one of those that were gathered from now on, which are sent
 * before if they leave it no room; a large one, and one that is alone, is sent. On failure it
 * is nowhere. */
static int finish_notice(struct channel *channel, int fd, bool alone)
{
	size_t before = PACKET_PADDED(channel->gathered);
	size_t size = buffer_size(&channel->out) - before - sizeof(struct packet_head);
	struct packet_head *head;
	int r = size > CODEC_BLOCK_MAX ? -EMSGSIZE : 0;

	if (r == 0 && before + size > PACKET_INLINE)
		r = flush_gathered(channel);
	if (r == 0) {
		head = head_behind(channel);
		head->size = (uint32_t)size;
		if (size > PACKET_INLINE) {
			r = send_large(channel, head, fd);
		} else if (alone) {
			struct iovec part = {head, sizeof(*head) + size};

			r = send_packet(channel, &part, 1, &fd, fd >= 0, 0);
		} else {
			channel->gathered = buffer_size(&channel->out);
			channel->n_gathered++;
		}
	}
	buffer_cut(&channel->out, channel->gathered);
	return r;
}

int channel_send(struct channel *channel, const struct troupe_method *method, const void *in,
		 int fd)
{
	int r;

	begin_change(channel);
	r = put_notice(channel, method, in, true);
	if (r == 0)
		r = finish_notice(channel, fd, true);
	return end_change(channel, r);
}

int channel_send_soon(struct channel *channel, const struct troupe_method *method,
		      const void *in)
{
	int r;

	begin_change(channel);
	r = put_notice(channel, method, in, false);
	if (r == 0)
		r = finish_notice(channel, -1, false);
	return end_change(channel, r);
}

static int send_json(struct channel *channel, const struct troupe_method *method,
		     const void *in, const struct troupe_type *type, const void *value,
		     size_t *ret_size)
{
	const struct troupe_field *last = &method->in->fields[method->in->count - 1];
	int r = put_notice(channel, method, in, false);
	size_t begin, size;

	check(last->type->kind == TROUPE_BINARY);
	if (r < 0)
		return r;
	begin = buffer_size(&channel->out);
	r = json_print(type, value, &channel->out);
	if (r < 0) {
		buffer_cut(&channel->out, channel->gathered);
		return r;
	}
	size = buffer_size(&channel->out) - begin;
	begin -= PACKET_PADDED(channel->gathered) + sizeof(struct packet_head);
	/* A block ends with what its last member has. */
	store_span((char *)(head_behind(channel) + 1) + last->offset, (const void *)begin,
		   size);
	*ret_size = size;
	return finish_notice(channel, -1, false);
}

int channel_send_json(struct channel *channel, const struct troupe_method *method,
		      const void *in, const struct troupe_type *type, const void *value,
		      size_t *ret_size)
{
	begin_change(channel);
	return end_change(channel, send_json(channel, method, in, type, value, ret_size));
}

int channel_flush(struct channel *channel)
{
	if (channel->is_mute)
		return -ENOTCONN;
	begin_change(channel);
	return end_change(channel, flush_gathered(channel));
}

void channel_send_last(const struct channel *channel)
{
	struct iovec part = {buffer_data(&channel->out), channel->gathered};

	if (channel->gathered > 0 && !channel->is_changing && !channel->is_mute &&
	    list_is_empty(&channel->queue))
		(void)seqpacket_send(channel->io.fd, &part, 1, NULL, 0);
}

size_t channel_backlog(const struct channel *channel)
{
	return channel->queued + channel->gathered;
}

bool channel_is_flushed(const struct channel *channel)
{
	return list_is_empty(&channel->queue) && channel->gathered == 0;
}

bool channel_is_read(const struct channel *channel)
{
	int unread;

	return channel_is_flushed(channel) && ioctl(channel->io.fd, SIOCOUTQ, &unread) == 0 &&
	       unread == 0;
}

/* ---- receiving */

static const struct channel_handler *find_handler(const struct channel *channel,
						  uint64_t in_hash)
{
	for (size_t i = 0; i < channel->config.n_handlers; i++)
		if (channel->config.handlers[i].method->in_hash == in_hash)
			return &channel->config.handlers[i];
	return NULL;
}

static void hand_over(struct channel *channel, const struct channel_handler *handler,
		      const void *block, int *fd)
{
	const struct channel_config *config = &channel->config;

	channel->fd = fd;
	if (!config->admits || config->admits(config->context, handler->method))
		handler->handle(config->context, block);
}

int *channel_fd(struct channel *channel)
{
	return channel->fd;
}

/* Check a notice in full and hand it to its handler. fds: those taken over become -1. */
static int handle_notice(struct channel *channel, struct packet_head *head, int *fds)
{
	const struct channel_handler *handler = find_handler(channel, head->in_hash);
	cleanup_free void *large = NULL;
	void *block = head + 1;
	int r = 0;

	if (!handler)
		return -EBADMSG;
	if (head->flags & PACKET_LARGE) {
		r = packet_read_large(*fds++, head->size, &large);
		block = large;
	}
	if (r == 0)
		r = codec_decode(handler->method->in, block, head->size, NULL);
	if (r == 0)
		hand_over(channel, handler, block, fds);
	return r;
}

static int handle_packet(struct channel *channel, size_t size, int *fds, size_t n_fds)
{
	int r = packet_is_well_formed(channel->in, size, n_fds) ? 0 : -EBADMSG;

	/* A handler's own send may have been the one too many. */
	for (size_t at = 0; r == 0 && at < size && !channel->is_freed && channel->error == 0;) {
		struct packet_head *head = packet_head_at(channel->in, at);

		r = handle_notice(channel, head, fds);
		channel->n_handled++;
		at += PACKET_PADDED(sizeof(*head) + head->size);
	}
	return r;
}

/* One packet. Positive: the bytes it brought; 0: nothing there; negative: the channel's end,
 * -ENOTCONN when it is an orderly one. */
static ssize_t receive_packet(struct channel *channel)
{
	int fds[SEQPACKET_FDS];
	size_t size, n_fds;
	int r = seqpacket_receive(channel->io.fd, channel->in, sizeof(channel->in), &size, fds,
				  &n_fds);

	/* A reset comes once, before the packets that arrived earlier, when the peer closed
	 * with unread input; at the end it comes again and again. */
	if (r == -ECONNRESET)
		r = seqpacket_receive(channel->io.fd, channel->in, sizeof(channel->in), &size,
				      fds, &n_fds);
	if (r == -EAGAIN)
		return 0;
	if (r == -ECONNRESET)
		return -ENOTCONN;
	if (r == -EMSGSIZE)
		return -EBADMSG;
	if (r < 0)
		return r;
	channel->has_received = true;
	r = handle_packet(channel, size, fds, n_fds);
	for (size_t i = 0; i < SEQPACKET_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return r < 0 ? r : (ssize_t)(size + packet_bytes_beside(channel->in));
}

static void read_socket(struct channel *channel)
{
	struct loop *loop = channel->config.loop;
	uint64_t until_ns = loop_clock_ns(loop) + BUDGET_NS;
	size_t bytes = 0;
	ssize_t n = 1;

	channel->is_reading = true;
	free_spare(channel);
	channel->n_handled = 0;
	while (channel->n_handled < BUDGET_NOTICES && bytes < BUDGET_BYTES && n > 0 &&
	       (channel->n_handled == 0 || loop_clock_ns(loop) < until_ns)) {
		n = receive_packet(channel);
		if (channel->is_freed) {
			destroy_channel(channel);
			return;
		}
		/* A handler's own send may have been the one too many. */
		if (channel->error < 0)
			break;
		if (n > 0)
			bytes += (size_t)n;
	}
	channel->is_reading = false;
	take_spare(channel);
	(void)channel_flush(channel);
	if (n < 0 && channel->error == 0)
		close_channel(channel, n == -ENOTCONN ? 0 : (int)n);
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct channel *channel = container_of(io, struct channel, io);

	if ((events & LOOP_WRITE) && !list_is_empty(&channel->queue))
		flush_queue(channel);
	if ((events & LOOP_READ) && channel->error == 0)
		read_socket(channel);
}

static void on_timer(struct loop_timer *timer)
{
	struct channel *channel = container_of(timer, struct channel, timer);

	if (channel->error < 0) {
		close_channel(channel, channel->error);
	} else if (!channel->is_mute) {
		flush_queue(channel);
	} else if (channel->has_received) {
		channel->has_received = false;
		loop_timer_start(timer, LINGER_NS);
	} else {
		close_channel(channel, -EPIPE);
	}
}

/* ---- */

int channel_new(const struct channel_config *config, struct channel **ret_channel)
{
	cleanup_close int fd = config->fd;
	struct channel *channel = malloc(sizeof(*channel));

	if (!channel)
		return -ENOMEM;
	/* Not the frames: each byte of them is written before it is read. */
	memset(channel, 0, offsetof(struct channel, in));
	channel->config = *config;
	if (channel->config.queue_limit == 0)
		channel->config.queue_limit = CHANNEL_QUEUE;
	list_init(&channel->queue);
	buffer_init_in(&channel->out, channel->packet, sizeof(channel->packet), OUT_MAX);
	channel->spare = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	/* A notice of the largest size must fit, and more of them save wake-ups. The kernel
	 * cuts this down to what it allows. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BUFFER}, sizeof(int));
	loop_timer_init(&channel->timer, config->loop, on_timer);
	loop_io_init(&channel->io, config->loop, take_fd(&fd), on_io);
	loop_io_set(&channel->io, LOOP_READ);
	*ret_channel = channel;
	return 0;
}

void channel_free(struct channel *channel)
{
	if (!channel || channel->is_freed)
		return;
	loop_io_stop(&channel->io);
	loop_timer_stop(&channel->timer);
	close(channel->io.fd);
	channel->is_closed = channel->is_mute = true;
	/* A handler that frees us still reads its notice in our frame. */
	if (channel->is_reading)
		channel->is_freed = true;
	else
		destroy_channel(channel);
}
