/* ends.c - what the ends of a channel do in its tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/seqpacket.h"
#include "ends.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

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
const struct troupe_method letter_method = {.interface = "test",
					    .name = "Letter",
					    .in = &letter_type,
					    .out = &nothing_type,
					    .in_hash = 31,
					    .out_hash = 32};

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

static struct channel *new_channel(struct ends *f, struct end *end, int fd, size_t queue_limit)
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

void ends_begin(struct ends *f, bool raw, size_t queue_limit)
{
	int fds[2];

	*f = (struct ends){.raw = -1};
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(seqpacket_pair(fds), 0);
	new_channel(f, &f->a, fds[0], queue_limit);
	if (raw)
		f->raw = fds[1];
	else
		new_channel(f, &f->b, fds[1], 0);
}

void ends_finish(struct ends *f)
{
	channel_free(f->a.channel);
	channel_free(f->b.channel);
	if (f->raw >= 0)
		close(f->raw);
	loop_free(f->loop);
}

void ends_turn(struct ends *f, unsigned passes)
{
	while (passes-- > 0)
		loop_step(f->loop, false);
}

int ends_send_note(struct end *from, int64_t number, const char *text, int fd)
{
	return channel_send(from->channel, &note_method, &(struct note){number, text}, fd);
}

unsigned ends_count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

int ends_send_soon(struct end *from, int64_t number, const char *text)
{
	return channel_send_soon(from->channel, &note_method, &(struct note){number, text});
}

char *ends_long_text(size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}
