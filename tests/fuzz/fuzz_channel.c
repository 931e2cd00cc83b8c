/* fuzz_channel.c - packets of a hostile peer, to a channel with all handlers of
 * io.troupe.Worker.
 *
 * The input is a row of packets: as they are, with a head that fits, several times the same
 * with a head that fits, or as a large notice whose block is a memfd, sealed or not. What
 * reaches a handler must be a good value: it can be encoded. No descriptor may stay behind.
 */
#include "base/check.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/seqpacket.h"
#include "io.troupe.Worker.varlink.h"
#include "proto/channel.h"
#include "proto/codec.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_FLAG 1u
#define TIMES_MAX  20u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
	struct channel *channel;
	bool is_closed;
	bool ends;  /* the next handler frees the channel */
	bool takes; /* the next handler takes its descriptor */
};

static void on_notice(struct host *host, const struct troupe_method *method, const void *in)
{
	int *fd = channel_fd(host->channel);
	unsigned char *block;
	size_t size;

	check(codec_size(method->in, in, &size, NULL) == 0);
	block = malloc(size + 1);
	check(block);
	codec_encode(method->in, in, block, size);
	free(block);
	check(*fd == -1 || fcntl(*fd, F_GETFD) == FD_CLOEXEC);
	if (host->takes && *fd >= 0)
		close(take_fd(fd));
	if (host->ends) {
		channel_free(host->channel);
		host->channel = NULL;
	}
	/* Still there to be read. */
	check(codec_size(method->in, in, &size, NULL) == 0);
}

#define ON_NOTICE(name)                                                                        \
	static void on_##name(void *context, const void *in)                                   \
	{                                                                                      \
		on_notice(context, &worker_##name##_method, in);                               \
	}
ON_NOTICE(start)
ON_NOTICE(load)
ON_NOTICE(define)
ON_NOTICE(spawn)
ON_NOTICE(stop)
ON_NOTICE(call)
ON_NOTICE(cancel)
ON_NOTICE(taken)
ON_NOTICE(peer)
ON_NOTICE(name)
ON_NOTICE(arena)
ON_NOTICE(borrow)
ON_NOTICE(inquire)
ON_NOTICE(describe)
ON_NOTICE(shutdown)
ON_NOTICE(ready)
ON_NOTICE(loaded)
ON_NOTICE(defined)
ON_NOTICE(spawned)
ON_NOTICE(stopped)
ON_NOTICE(ended)
ON_NOTICE(reply)
ON_NOTICE(census)
ON_NOTICE(dead_letter)

static const struct channel_handler handlers[] = {
	{&worker_start_method, on_start},       {&worker_load_method, on_load},
	{&worker_define_method, on_define},     {&worker_spawn_method, on_spawn},
	{&worker_stop_method, on_stop},         {&worker_call_method, on_call},
	{&worker_cancel_method, on_cancel},     {&worker_taken_method, on_taken},
	{&worker_peer_method, on_peer},         {&worker_name_method, on_name},
	{&worker_arena_method, on_arena},       {&worker_borrow_method, on_borrow},
	{&worker_inquire_method, on_inquire},   {&worker_describe_method, on_describe},
	{&worker_shutdown_method, on_shutdown}, {&worker_ready_method, on_ready},
	{&worker_loaded_method, on_loaded},     {&worker_defined_method, on_defined},
	{&worker_spawned_method, on_spawned},   {&worker_stopped_method, on_stopped},
	{&worker_ended_method, on_ended},       {&worker_reply_method, on_reply},
	{&worker_census_method, on_census},     {&worker_dead_letter_method, on_dead_letter},
};

static void on_closed(void *context, int error)
{
	struct host *host = context;

	(void)error;
	check(!host->is_closed);
	host->is_closed = true;
}

/* A memfd of those bytes, sealed as the choice says; -1. */
static int make_memory(unsigned choice, const uint8_t *data, size_t size)
{
	int fd;

	if (choice & 1)
		return memfd_of("fuzz", data, size, &fd) < 0 ? -1 : fd;
	fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && size > 0)
		check(write(fd, data, size) == (ssize_t)size);
	if (fd >= 0 && choice & 2)
		check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE) == 0);
	return fd;
}

static void send_packet(int socket, const uint8_t *data, size_t size)
{
	unsigned choice = data[0], which = data[1];
	struct {
		uint64_t hash;
		uint32_t size, flags;
	} head = {handlers[which % ARRAY_LEN(handlers)].method->in_hash, 0, 0};
	static const unsigned char padding[16];
	struct iovec parts[2 + 3 * TIMES_MAX] = {{&head, sizeof(head)}};
	int fds[SEQPACKET_FDS] = {-1, -1, -1, -1};
	unsigned n_fds = choice >> 5 & 3, n = 2;

	data += 2;
	size -= 2;
	head.size = (uint32_t)size;
	parts[1] = (struct iovec){(void *)(uintptr_t)data, size};
	if (choice & 8) {
		head.flags = LARGE_FLAG;
		fds[0] = make_memory(choice >> 1, data, size);
		n = 1;
	} else if (choice & 16) {
		parts[0] = parts[1];
		n = 1;
	}
	/* Heads are at multiples of 16. */
	for (size_t i = 0; n >= 2 && choice & 4 && i < size % TIMES_MAX; i++) {
		parts[n++] = (struct iovec){(void *)(uintptr_t)padding, (16 - size % 16) % 16};
		parts[n++] = parts[0];
		parts[n++] = parts[1];
	}
	if (choice & 128)
		head.size += 1;
	for (unsigned i = 0; i < n_fds; i++)
		if (fds[i] < 0)
			fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fds[0] >= 0 && n_fds == 0)
		n_fds = 1;
	(void)seqpacket_send(socket, parts, n, fds, n_fds);
	for (unsigned i = 0; i < SEQPACKET_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The lowest free descriptor: the same before and after, when none stays open. */
static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(fd >= 0);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel_config config = {.handlers = handlers,
					.n_handlers = ARRAY_LEN(handlers),
					.on_closed = on_closed};
	int sockets[2], lowest = lowest_fd();
	struct loop *loop;
	struct host host = {0};

	check(loop_new(&loop) == 0);
	check(seqpacket_pair(sockets) == 0);
	config.loop = loop;
	config.fd = sockets[0];
	config.context = &host;
	check(channel_new(&config, &host.channel) == 0);
	while (size >= 4 && host.channel && !host.is_closed) {
		size_t one = data[0] | data[1] << 8;

		data += 2;
		size -= 2;
		one = one < 2 ? 2 : one > size ? size : one;
		host.takes = data[0] & 1;
		host.ends = data[1] == 255;
		send_packet(sockets[1], data, one);
		loop_step(loop, false);
		data += one;
		size -= one;
	}
	close(sockets[1]);
	for (unsigned i = 0; i < 3; i++)
		loop_step(loop, false);
	check(host.is_closed || !host.channel);
	channel_free(host.channel);
	loop_free(loop);
	check(lowest_fd() == lowest);
	return 0;
}
