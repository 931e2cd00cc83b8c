/* test_channel.c - notices between two ends, and what hostile ends can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/seqpacket.h"
#include "proto/channel.h"
#include "tests/unit/proto/note.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Its last member is JSON text. */
struct letter {
	int64_t number;
	struct troupe_binary text;
};

static const struct troupe_type binary_type = {
	.kind = TROUPE_BINARY, .align = 8, .size = sizeof(struct troupe_binary)};
static const struct troupe_field letter_fields[] = {
	{"number", &int_type, offsetof(struct letter, number), 0},
	{"text", &binary_type, offsetof(struct letter, text), 0},
};
static const struct troupe_type letter_type = {.kind = TROUPE_STRUCT,
					       .align = 8,
					       .size = sizeof(struct letter),
					       .count = 2,
					       .fields = letter_fields};
static const struct troupe_method letter_method = {.interface = "test",
						   .name = "Letter",
						   .in = &letter_type,
						   .out = &nothing_type,
						   .in_hash = 31,
						   .out_hash = 32};

struct end {
	struct channel *channel;
	unsigned notes, pings, closes, flushes;
	int64_t last;
	size_t text_size;
	int fd; /* that came along */
	int error;
	bool takes_fds, frees_itself, answers, answers_soon;
	struct loop *slow; /* takes 6 ms of its clock for each ping */
};

static void on_note(void *context, const void *data)
{
	struct end *end = context;
	const struct note *in = data;

	assert_int_equal(in->number, end->last + 1);
	end->last = in->number;
	end->text_size = strlen(in->text);
	end->notes++;
	if (end->takes_fds)
		end->fd = take_fd(channel_fd(end->channel));
	if (end->frees_itself) {
		channel_free(end->channel);
		end->channel = NULL;
		assert_int_equal(in->number, end->last); /* still ours to read */
	}
	if (end->answers)
		assert_int_equal(channel_send(end->channel, &note_method,
					      &(struct note){in->number, in->text}, -1),
				 0);
	if (end->answers_soon)
		assert_int_equal(channel_send_soon(end->channel, &note_method,
						   &(struct note){in->number, in->text}),
				 0);
}

static void on_letter(void *context, const void *data)
{
	struct end *end = context;
	const struct letter *in = data;
	const char *text = in->text.data;

	assert_int_equal(in->number, end->last + 1);
	end->last = in->number;
	end->notes++;
	end->text_size = in->text.size;
	assert_int_equal(text[0], '"');
	assert_int_equal(text[in->text.size - 1], '"');
	for (size_t i = 1; i < in->text.size - 1; i += 97)
		assert_int_equal(text[i], 'x');
}

static void on_ping(void *context, const void *in)
{
	struct end *end = context;

	(void)in;
	assert_int_equal(*channel_fd(end->channel), -1);
	end->pings++;
	if (end->slow)
		for (uint64_t until_ns = loop_clock_ns(end->slow) + 6000000;
		     loop_clock_ns(end->slow) < until_ns;)
			;
}

static void on_flushed(void *context)
{
	((struct end *)context)->flushes++;
}

static void on_closed(void *context, int error)
{
	struct end *end = context;

	end->closes++;
	end->error = error;
	if (end->frees_itself) {
		channel_free(end->channel);
		end->channel = NULL;
	}
}

static const struct channel_handler handlers[] = {
	{&note_method, on_note},
	{&letter_method, on_letter},
	{&ping_method, on_ping},
};

struct fixture {
	struct loop *loop;
	struct end a, b;
	int raw; /* when b is a bare socket */
};

static struct channel *new_channel(struct fixture *f, struct end *end, int fd,
				   size_t queue_limit)
{
	struct channel_config config = {
		.loop = f->loop,
		.fd = fd,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.on_closed = on_closed,
		.on_flushed = on_flushed,
		.context = end,
		.queue_limit = queue_limit,
	};

	end->fd = -1;
	assert_int_equal(channel_new(&config, &end->channel), 0);
	return end->channel;
}

static void begin(struct fixture *f, bool raw, size_t queue_limit)
{
	int fds[2];

	*f = (struct fixture){.raw = -1};
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(seqpacket_pair(fds), 0);
	new_channel(f, &f->a, fds[0], queue_limit);
	if (raw)
		f->raw = fds[1];
	else
		new_channel(f, &f->b, fds[1], 0);
}

static void end(struct fixture *f)
{
	channel_free(f->a.channel);
	channel_free(f->b.channel);
	if (f->raw >= 0)
		close(f->raw);
	loop_free(f->loop);
}

static void turn(struct fixture *f, unsigned passes)
{
	while (passes-- > 0)
		loop_step(f->loop, false);
}

static int send_note(struct end *from, int64_t number, const char *text, int fd)
{
	return channel_send(from->channel, &note_method, &(struct note){number, text}, fd);
}

static unsigned count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

static void channel_delivers_notices_in_order(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(send_note(&f.a, i, "hello", -1), 0);
	assert_int_equal(channel_send(f.a.channel, &ping_method, NULL, -1), 0);
	turn(&f, 3);
	assert_int_equal(f.b.notes, 3);
	assert_int_equal(f.b.pings, 1);
	assert_int_equal(f.b.text_size, 5);
	end(&f);
}

static char *long_text(size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

static int send_soon(struct end *from, int64_t number, const char *text)
{
	return channel_send_soon(from->channel, &note_method, &(struct note){number, text});
}

static void channel_gathers_notices_until_it_is_flushed(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(send_soon(&f.a, i, "hello"), 0);
	turn(&f, 2);
	assert_int_equal(f.b.notes, 0);
	assert_false(channel_is_flushed(f.a.channel));
	assert_true(channel_backlog(f.a.channel) > 0);
	assert_int_equal(channel_flush(f.a.channel), 0);
	assert_true(channel_is_flushed(f.a.channel));
	turn(&f, 2);
	assert_int_equal(f.b.notes, 3);
	/* What cannot wait, or has no room beside them, is sent after them. */
	assert_int_equal(send_soon(&f.a, 4, "soon"), 0);
	assert_int_equal(send_note(&f.a, 5, "now", -1), 0);
	turn(&f, 2);
	assert_int_equal(f.b.notes, 5);
	end(&f);
}

/* Sizes of all kinds: each fits beside some others, or beside none. */
static void channel_keeps_order_of_gathered_notices_of_any_size(void **state)
{
	static const size_t sizes[] = {1,  1000,   30000,          CHANNEL_INLINE - 24,
				       7,  200000, CHANNEL_INLINE, 3000000,
				       16, 40000};
	cleanup_free char *text = long_text(3000000);
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int i = 1; i <= 300; i++) {
		const char *tail = text + 3000000 - sizes[i % 10];

		assert_int_equal(
			i % 7 ? send_soon(&f.a, i, tail) : send_note(&f.a, i, tail, -1), 0);
		if (i % 30 == 0)
			turn(&f, 30);
	}
	assert_int_equal(channel_flush(f.a.channel), 0);
	for (int i = 0; i < 1000 && f.b.notes < 300; i++)
		turn(&f, 1);
	assert_int_equal(f.b.notes, 300);
	end(&f);
}

static int send_letter(struct end *from, int64_t number, const char *text)
{
	size_t size = 0;
	int r = channel_send_json(from->channel, &letter_method,
				  &(struct letter){.number = number}, &string_type, &text,
				  &size);

	if (r == 0)
		assert_int_equal(size, strlen(text) + 2);
	return r;
}

static void channel_prints_text_into_packets_in_order(void **state)
{
	static const size_t sizes[] = {0,    1,      1000, 30000,   CHANNEL_INLINE - 26,
				       20,   200000, 9000, 3000000, CHANNEL_INLINE - 25,
				       60000};
	cleanup_free char *text = long_text(3000000);
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int i = 1; i <= 300; i++) {
		const char *tail = text + 3000000 - sizes[i % 11];

		assert_int_equal(i % 4   ? send_letter(&f.a, i, tail)
				 : i % 8 ? send_soon(&f.a, i, tail)
					 : send_note(&f.a, i, tail, -1),
				 0);
		if (i % 30 == 0)
			turn(&f, 30);
	}
	assert_int_equal(channel_flush(f.a.channel), 0);
	for (int i = 0; i < 1000 && f.b.notes < 300; i++)
		turn(&f, 1);
	assert_int_equal(f.b.notes, 300);
	end(&f);
}

/* What is refused takes nothing with it, and leaves nothing. */
static void channel_refuses_text_over_the_limit_of_a_message(void **state)
{
	static const size_t sizes[] = {CODEC_BLOCK_MAX - 25, CODEC_BLOCK_MAX,
				       2 * CODEC_BLOCK_MAX};
	cleanup_free char *text = long_text(2 * CODEC_BLOCK_MAX);
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int64_t i = 0; i < (int64_t)ARRAY_LEN(sizes); i++) {
		assert_int_equal(send_letter(&f.a, 2 * i + 1, "x"), 0);
		assert_int_equal(send_letter(&f.a, 99, text + 2 * CODEC_BLOCK_MAX - sizes[i]),
				 -EMSGSIZE);
		assert_int_equal(send_letter(&f.a, 2 * i + 2, "xx"), 0);
	}
	/* 24 bytes of the struct, and two quotes */
	assert_int_equal(send_letter(&f.a, 7, text + CODEC_BLOCK_MAX + 26), 0);
	assert_int_equal(channel_flush(f.a.channel), 0);
	turn(&f, 10);
	assert_int_equal(f.b.notes, 7);
	assert_int_equal(f.b.text_size, CODEC_BLOCK_MAX - 24);
	end(&f);
}

/* The peer may begin with the first ones while more are made. */
static void channel_sends_what_it_gathered_when_it_is_enough(void **state)
{
	unsigned char packet[4096];
	struct fixture f;

	(void)state;
	begin(&f, true, 0);
	for (int i = 1; i <= 17; i++)
		assert_int_equal(send_soon(&f.a, i, "x"), 0);
	/* 16 times a head and a block of 18 bytes, all but the last padded */
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), 15 * 48 + 34);
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), -1);
	assert_int_equal(channel_flush(f.a.channel), 0);
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), 34);
	end(&f);
}

static void channel_sends_what_its_handlers_gathered_in_a_pass(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	f.b.answers_soon = true;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(send_note(&f.a, i, "question", -1), 0);
	turn(&f, 3);
	assert_int_equal(f.a.notes, 3);
	end(&f);
}

static void channel_keeps_order_when_socket_is_full(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(send_note(&f.a, i, "hello", -1), 0);
	assert_false(channel_is_flushed(f.a.channel));
	assert_in_range(channel_backlog(f.a.channel), 20000, 20000 * 200);
	assert_int_equal(f.a.flushes, 0);
	for (int i = 0; i < 100000 && f.b.notes < 20000; i++)
		loop_step(f.loop, false);
	assert_int_equal(f.b.notes, 20000);
	assert_true(channel_is_flushed(f.a.channel));
	assert_int_equal(channel_backlog(f.a.channel), 0);
	assert_int_equal(f.a.flushes, 1);
	end(&f);
}

static void channel_handles_a_bounded_amount_in_one_pass(void **state)
{
	struct fixture f;
	struct {
		uint64_t hash;
		uint32_t size, flags;
	} packet = {21, 0, 0};
	unsigned n = 0;

	(void)state;
	begin(&f, true, 0);
	while (send(f.raw, &packet, sizeof(packet), MSG_DONTWAIT) > 0)
		n++;
	assert_true(n > 0);
	turn(&f, 1);
	assert_in_range(f.a.pings, 1, 256);
	end(&f);
}

/* Handlers may run what takes long: an actor's init, say. */
static void channel_ends_its_pass_by_time(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	f.b.slow = f.loop;
	for (int i = 0; i < 5; i++)
		assert_int_equal(channel_send(f.a.channel, &ping_method, NULL, -1), 0);
	for (unsigned i = 1; i <= 5; i++) {
		turn(&f, 1);
		assert_int_equal(f.b.pings, i);
	}
	end(&f);
}

static void channel_passes_large_blocks_and_descriptors_along(void **state)
{
	cleanup_free char *text = long_text(5u << 20);
	unsigned before = count_fds();
	struct fixture f;
	int memory;
	char byte;

	(void)state;
	begin(&f, false, 0);
	f.b.takes_fds = true;
	assert_int_equal(memfd_of("test", "z", 1, &memory), 0);
	assert_int_equal(send_note(&f.a, 1, text, memory), 0);
	turn(&f, 3);
	assert_int_equal(f.b.notes, 1);
	assert_int_equal(f.b.text_size, 5u << 20);
	assert_true(f.b.fd >= 0);
	assert_int_equal(pread(f.b.fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'z');
	close(f.b.fd);
	/* One that nobody takes is closed, queued ones are sent too. */
	f.b.takes_fds = false;
	for (int i = 2; i <= 100; i++)
		assert_int_equal(send_note(&f.a, i, "small", memory), 0);
	close(memory);
	for (int i = 0; i < 1000 && f.b.notes < 100; i++)
		turn(&f, 1);
	assert_int_equal(f.b.notes, 100);
	end(&f);
	assert_int_equal(count_fds(), before);
}

static void channel_refuses_values_that_break_their_type(void **state)
{
	cleanup_free char *text = long_text(17u << 20);
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	assert_int_equal(send_note(&f.a, 1, NULL, -1), -EINVAL);
	assert_int_equal(send_note(&f.a, 1, "\xff", -1), -EINVAL);
	assert_int_equal(send_note(&f.a, 1, text, -1), -EMSGSIZE);
	assert_int_equal(send_note(&f.a, 1, "fine", -1), 0);
	turn(&f, 2);
	assert_int_equal(f.b.notes, 1);
	end(&f);
}

static void channel_reports_when_peer_closes_after_its_last_notices(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	/* Unread input at b makes the kernel report a reset before what b had sent. */
	assert_int_equal(send_note(&f.a, 1, "unread", -1), 0);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(send_note(&f.b, i, "last words", -1), 0);
	channel_free(f.b.channel);
	f.b.channel = NULL;
	assert_int_equal(send_note(&f.a, 2, "too late", -1), -ENOTCONN);
	assert_int_equal(f.a.closes, 0); /* not from inside send */
	turn(&f, 5);
	assert_int_equal(f.a.notes, 5);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, 0);
	assert_int_equal(send_note(&f.a, 2, "too late", -1), -ENOTCONN);
	turn(&f, 5);
	assert_int_equal(f.a.closes, 1);
	end(&f);
}

static void channel_closes_when_peer_does_not_read(void **state)
{
	cleanup_free char *text = long_text(1000);
	struct fixture f;
	int r = 0;
	int64_t sent = 0;

	(void)state;
	begin(&f, true, 100000);
	while (r == 0 && sent < 100000)
		r = send_note(&f.a, ++sent, text, -1);
	assert_int_equal(r, -ENOTCONN);
	assert_int_equal(f.a.closes, 0);
	turn(&f, 3);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, -ENOBUFS);
	end(&f);
}

static void channel_can_be_freed_in_its_callbacks(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	f.b.frees_itself = true;
	assert_int_equal(send_note(&f.a, 1, "one", -1), 0);
	assert_int_equal(send_note(&f.a, 2, "two", -1), 0);
	f.a.frees_itself = true;
	turn(&f, 5);
	assert_int_equal(f.b.notes, 1);
	assert_null(f.b.channel);
	assert_int_equal(f.a.closes, 1);
	assert_null(f.a.channel);
	end(&f);
}

static void channel_answers_from_inside_a_handler(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false, 0);
	f.b.answers = true;
	for (int i = 1; i <= 100; i++)
		assert_int_equal(send_note(&f.a, i, "question", -1), 0);
	turn(&f, 300);
	assert_int_equal(f.a.notes, 100);
	end(&f);
}

static void expect_refused(const void *packet, size_t size, const int *fds, size_t n_fds)
{
	unsigned before = count_fds();
	struct iovec part = {(void *)(uintptr_t)packet, size};
	struct fixture f;

	begin(&f, true, 0);
	assert_int_equal(seqpacket_send(f.raw, &part, 1, fds, n_fds), 0);
	turn(&f, 3);
	assert_int_equal(f.a.notes + f.a.pings, 0);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, -EBADMSG);
	end(&f);
	assert_int_equal(count_fds(), before);
}

static void channel_refuses_hostile_packets(void **state)
{
	struct {
		uint64_t hash;
		uint32_t size, flags;
		struct note block;
		char text[8];
	} packet = {11, 24, 0, {1, (const char *)16}, "hostile"};
	unsigned char longer[sizeof(packet) + 1] = {0}, many[17 * 16] = {0};
	cleanup_close int sealed = -1, loose = -1, null = -1;
	cleanup_free char *huge = long_text(CHANNEL_INLINE + 64);

	(void)state;
	loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(loose >= 0 && null >= 0);
	assert_int_equal(ftruncate(loose, 24), 0);
	assert_int_equal(memfd_of("sealed", &packet.block, 24, &sealed), 0);

	memcpy(longer, &packet, sizeof(packet));
	/* More in one packet than a peer may gather: none of them is handled. */
	for (size_t i = 0; i < 17; i++)
		memcpy(many + 16 * i, &(uint64_t){21}, 8);
	expect_refused(many, sizeof(many), NULL, 0);
	expect_refused(many, 32 + 8, NULL, 0); /* half a head behind two */
	expect_refused(many, 32, &null, 1);    /* a descriptor, and not alone */
	expect_refused("x", 1, NULL, 0);       /* less than a head */
	expect_refused(&packet, 15, NULL, 0);
	expect_refused(&packet, 40 - 1, NULL, 0);           /* cut */
	expect_refused(&longer, sizeof(longer), NULL, 0);   /* bytes behind it */
	expect_refused(huge, CHANNEL_INLINE + 64, NULL, 0); /* too long */
	packet.hash = 12;
	expect_refused(&packet, 40, NULL, 0); /* not one of ours */
	packet.hash = 11;
	packet.flags = 2;
	expect_refused(&packet, 40, NULL, 0); /* unknown flag */
	packet.flags = 0;
	packet.block.text = (const char *)8;
	expect_refused(&packet, 40, NULL, 0); /* not canonical */
	packet.block.text = (const char *)16;
	expect_refused(&packet, 40, (int[]){null, null}, 2); /* too many descriptors */
	expect_refused(&packet, 40, (int[]){null, null, null, null}, 4);
	packet.flags = 1;
	expect_refused(&packet, 16, NULL, 0);    /* large without memory */
	expect_refused(&packet, 16, &null, 1);   /* no memory at all */
	expect_refused(&packet, 16, &loose, 1);  /* not sealed */
	expect_refused(&packet, 40, &sealed, 1); /* both forms */
	packet.size = 23;
	expect_refused(&packet, 16, &sealed, 1); /* another size */
	packet.size = UINT32_MAX;
	expect_refused(&packet, 16, &sealed, 1);
	expect_refused(&packet, 16, (int[]){sealed, null, null}, 3);
}

static void channel_passes_large_notices_when_descriptors_are_exhausted(void **state)
{
	cleanup_free char *text = long_text(200000);
	struct rlimit limit, low;
	struct fixture f;
	int extra[1024], sent[2];
	size_t n = 0;

	(void)state;
	begin(&f, false, 0);
	turn(&f, 1);
	assert_int_equal(send_note(&f.a, 1, text, -1), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < ARRAY_LEN(extra)) {
		extra[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (extra[n] < 0)
			break;
		n++;
	}
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		turn(&f, 3);
		sent[i] = send_note(&f.a, 2 + (int)i, text, -1);
	}
	turn(&f, 3);
	for (size_t i = 0; i < n; i++)
		close(extra[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(sent[0], 0);
	assert_int_equal(sent[1], 0);
	assert_int_equal(f.b.notes, 3);
	assert_int_equal(f.b.closes, 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_delivers_notices_in_order),
		cmocka_unit_test(channel_gathers_notices_until_it_is_flushed),
		cmocka_unit_test(channel_keeps_order_of_gathered_notices_of_any_size),
		cmocka_unit_test(channel_prints_text_into_packets_in_order),
		cmocka_unit_test(channel_refuses_text_over_the_limit_of_a_message),
		cmocka_unit_test(channel_sends_what_it_gathered_when_it_is_enough),
		cmocka_unit_test(channel_sends_what_its_handlers_gathered_in_a_pass),
		cmocka_unit_test(channel_keeps_order_when_socket_is_full),
		cmocka_unit_test(channel_handles_a_bounded_amount_in_one_pass),
		cmocka_unit_test(channel_ends_its_pass_by_time),
		cmocka_unit_test(channel_passes_large_blocks_and_descriptors_along),
		cmocka_unit_test(channel_refuses_values_that_break_their_type),
		cmocka_unit_test(channel_reports_when_peer_closes_after_its_last_notices),
		cmocka_unit_test(channel_closes_when_peer_does_not_read),
		cmocka_unit_test(channel_can_be_freed_in_its_callbacks),
		cmocka_unit_test(channel_answers_from_inside_a_handler),
		cmocka_unit_test(channel_refuses_hostile_packets),
		cmocka_unit_test(channel_passes_large_notices_when_descriptors_are_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
